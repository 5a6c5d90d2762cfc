import { Injectable, Logger } from '@nestjs/common';
import { sleep } from './async/sleep.js';
import { endsWithin } from './async/timeout.js';
import { isUnreachable } from './database/classify-error.js';
import { EntityManagers } from './database/entity-managers.js';
import { BackfillChecks } from './handlers/backfill-checks.js';
import type { DeclaredBackfill } from './handlers/registered-backfill.js';
import { withoutParams } from './handlers/run.binder.js';
import { JournalChecker } from './journal/journal.checker.js';
import { resolveVerification } from './planning/resolve-verification.js';
import { SourceChecker } from './processing/source.checker.js';

const RETRY_MS = 1_000;

/** `passed`, or the error of a database that cannot be reached. */
type Attempt = 'passed' | { readonly unreachable: unknown };

/**
 * Checks the backfills when the app starts: sources may ask the database. Where it does not answer, the app starts, and
 * the checks are repeated until it does; this process works on none of these backfills before.
 */
@Injectable()
export class BackfillChecker {
  private readonly logger = new Logger('Backfill');

  constructor(
    private readonly managers: EntityManagers,
    private readonly checks: BackfillChecks,
    private readonly sources: SourceChecker,
    private readonly journal: JournalChecker,
  ) {}

  /**
   * Checks all backfills at once, and returns after so many ms at the latest: the others are checked in the background.
   *
   * @param signal ends the checks in the background
   * @returns whether all have passed that are in the database of the module
   * @throws the error of a check that refuses its backfill within this time
   */
  async checkAll(backfills: readonly DeclaredBackfill[], ms: number, signal: AbortSignal): Promise<boolean> {
    const results = new Map<string, Attempt>();
    const attempts = backfills.map(async (backfill) => {
      const result = await this.attempt(backfill);
      results.set(backfill.name, result);
      return result;
    });
    await endsWithin(Promise.all(attempts), ms);
    backfills.forEach((backfill, i) => {
      const result = results.get(backfill.name) ?? { unreachable: `no answer within ${ms} ms` };
      if (result === 'passed') {
        this.logPassed(backfill);
      } else {
        this.checks.wait(backfill.name, String(result.unreachable));
        void this.complete(backfill, attempts[i], signal);
      }
    });
    const pending = this.checks.pending.map((name) => `"${name}"`).join(', ');
    if (pending !== '') {
      this.logger.warn(
        `The database does not answer. The app starts; these backfills are checked and start when it answers: ${pending}`,
      );
    }
    return !backfills.some(
      ({ name, contextName }) => contextName === undefined && results.get(name) !== 'passed',
    );
  }

  /** Rejects where a check refuses the backfill. */
  private async attempt(declared: DeclaredBackfill): Promise<Attempt> {
    const backfill = withoutParams(declared);
    try {
      await this.journal.check(this.managers.fork(declared), backfill ?? declared);
      if (!backfill) {
        // Its source is checked when a run is started.
        return 'passed';
      }
      await this.sources.check(backfill);
      if (backfill.verify) {
        // Refused at the start of the app rather than at that of a run.
        await resolveVerification(backfill, {}, this.managers.fork(backfill), 0);
      }
      return 'passed';
    } catch (error) {
      if (isUnreachable(error)) {
        return { unreachable: error };
      }
      throw error;
    }
  }

  /** Repeats the checks until the database answers; never rejects. */
  private async complete(
    backfill: DeclaredBackfill,
    first: Promise<Attempt> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { name } = backfill;
    try {
      while ((await (first ?? this.attempt(backfill))) !== 'passed') {
        first = undefined;
        await sleep(RETRY_MS, signal);
        if (signal.aborted) {
          return;
        }
      }
      if (!signal.aborted) {
        this.checks.pass(name);
        this.logPassed(backfill);
      }
    } catch (error) {
      if (!signal.aborted) {
        this.checks.refuse(name, error);
        this.logger.error(
          `Backfill "${name}" is refused, and this process does not work on it: ${String(error)}`,
          (error as Error).stack,
        );
      }
    }
  }

  private logPassed({ name, className, shape, declaredSource }: DeclaredBackfill): void {
    const kind = typeof declaredSource === 'function' ? 'source by parameters' : declaredSource.kind;
    this.logger.log(`Backfill "${name}" handled by ${className} (${shape}, ${kind})`);
  }
}
