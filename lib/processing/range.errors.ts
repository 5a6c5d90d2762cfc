import { isIdleTransaction } from '../database/classify-error.js';
import { BackfillError } from '../errors/backfill-error.js';
import { NonRetryableError } from '../errors/handler.errors.js';
import type { BackfillGuard } from '../handlers/backfill-guard.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { Outcome } from './execution.js';

/** The range was claimed by another worker meanwhile: this process was stalled for longer than `lockDuration`. */
export class OvertakenError extends BackfillError {
  readonly code = 'BACKFILL_OVERTAKEN';

  constructor(backfill: string, index: number) {
    super(
      `Range ${index} of backfill "${backfill}" was claimed by another worker while this one processed it. Raise ` +
        'lockDuration where a process blocks its event loop for that long.',
    );
  }
}

/** The failure of a range, and after its bisection of a row, that crashed one process after the other. */
export class RangeCrashError extends NonRetryableError {
  constructor(backfill: string, crashes: number) {
    super(
      `${crashes} processes crashed while they processed this part of backfill "${backfill}". Find out what ends ` +
        'the process with these rows (out of memory, a native crash).',
    );
  }
}

/** PostgreSQL ended the transaction in which a handler worked, for the time that it took. */
export class IdleTransactionError extends BackfillError {
  readonly code = 'BACKFILL_IDLE_TRANSACTION';

  constructor(backfill: string, guard: BackfillGuard, cause: unknown) {
    super(
      `The handler of backfill "${backfill}" kept a transaction open for longer than idle_in_transaction_session_timeout ` +
        'of PostgreSQL without a statement, so that the server ended it and nothing of it was written. Expected less time ' +
        'between two statements: do slow work before the transaction, lower batchSize' +
        (guard === 'lock' ? ', use guard "recheck", whose transaction begins after the handler,' : '') +
        ' or raise the timeout for the role of the workers.',
      { cause },
    );
  }

  /** Says it of the errors of PostgreSQL in an outcome. */
  static explainIn(outcome: Outcome, backfill: RegisteredBackfill): Outcome {
    const explain = (error: unknown) => IdleTransactionError.explain(error, backfill);
    switch (outcome.kind) {
      case 'failed':
        return { ...outcome, error: explain(outcome.error) };
      case 'partial':
        return {
          ...outcome,
          failed: outcome.failed.map(({ key, error }) => ({ key, error: explain(error) })),
        };
      default:
        return outcome;
    }
  }

  private static explain(error: unknown, { name, guard = 'recheck' }: RegisteredBackfill): unknown {
    return isIdleTransaction(error) && !(error instanceof BackfillError)
      ? new IdleTransactionError(name, guard, error)
      : error;
  }
}
