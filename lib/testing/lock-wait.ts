import { sleep } from '../async/sleep.js';
import { BackfillError } from '../errors/backfill-error.js';
import type { Outcome } from '../processing/execution.js';
import type { JsonValue } from '../sources/backfill-source.js';

const POLL_MS = 100;
/** Together less than the five seconds that test runners give a test by default. */
const MAX_POLLS = 30;

/** Rows that another transaction held for as long as the harness waits. */
class RowsLockedError extends BackfillError {
  readonly code = 'BACKFILL_ROWS_LOCKED';

  constructor(backfill: string, keys: readonly JsonValue[]) {
    super(
      `Backfill "${backfill}" could not write its rows ${JSON.stringify(keys)}: for ${(POLL_MS * MAX_POLLS) / 1000} s ` +
        'another transaction has held their locks. A worker would try them again until it ends. ' +
        'Commit it or roll it back before the harness runs, also where the test itself has begun it.',
    );
  }
}

/** Waits between two attempts to lock rows that somebody else holds, as long as nothing else is done. */
export class LockWait {
  private polls = 0;

  constructor(private readonly backfill: string) {}

  /** To be called when rows were done: others may still be locked. */
  reset(): void {
    this.polls = 0;
  }

  /** @throws RowsLockedError after three seconds without a row that was done */
  async wait(keys: readonly JsonValue[]): Promise<void> {
    if (this.polls++ === MAX_POLLS) {
      throw new RowsLockedError(this.backfill, keys);
    }
    await sleep(POLL_MS);
  }
}

/** The keys of the rows that an execution left because somebody else had locked them. */
export function lockedBy(outcome: Outcome): readonly JsonValue[] {
  return outcome.kind === 'partial' ? (outcome.locked ?? []) : [];
}
