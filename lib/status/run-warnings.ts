import type { BackfillConfig } from '../config/backfill-config.js';
import { isHeldForVersion } from '../config/handler-version.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import type { StoredHold } from '../state/global-hold.js';
import type { RunRecord } from '../state/run-record.js';
import { isActive } from '../state/run-status.js';

/** So many ranges without a row are more than a gap in the ids. */
const MANY_RANGES = 200;

/** Workers of a run that has just been started are not missing: they start once their processes learn of it. */
const WORKERS_START_MS = 3_000;

/** What a run is compared with. */
export interface WarningFacts {
  /** The handler of this process; `undefined` where it has none. */
  readonly backfill: HandledBackfill | undefined;
  /** Processes with a worker for the run. */
  readonly workers: number;
  /** `null` where the stored config is corrupt. */
  readonly config: BackfillConfig | null;
  /** Why this process does not work on the run, and what to do; `null` where it does. */
  readonly refusal: string | null;
  /** The time of Redis. */
  readonly now: number;
  /** The hold of all runs; default: there is none. */
  readonly heldAll?: StoredHold | null;
}

/** Whether no process has workers for a running run. While all runs are held, no process has. */
export function isUnmanned(
  run: RunRecord,
  workers: number,
  now: number,
  heldAll: StoredHold | null = null,
): boolean {
  const since = Math.max(run.stateSince ?? run.startedAt, run.heldAllUntil ?? 0);
  return !heldAll && run.status === 'running' && workers === 0 && now - since >= WORKERS_START_MS;
}

/** Warnings about a run whose handler, workers, code version, source or config is missing or does not match. */
export function warningsOf(
  run: RunRecord,
  { backfill, workers, config, refusal, now, heldAll }: WarningFacts,
): string[] {
  if (!backfill) {
    return [
      `This app has no handler named "${run.name}". The run waits until an app with the handler starts, or cancel it.`,
    ];
  }
  const warnings: string[] = [];
  const one = run.rowsMissing === 1;
  if (run.rowsMissing > 0) {
    warnings.push(
      `${one ? '1 row was' : `${run.rowsMissing} rows were`} planned, but ${one ? 'was' : 'were'} not loaded for the handler, and ` +
        `${one ? 'is' : 'are'} not known to be gone. The log names ${one ? 'its range' : 'their ranges'}. Find out why the source ` +
        `does not load ${one ? 'it' : 'them'}, then start another run.`,
    );
  }
  if (run.done >= MANY_RANGES && run.rowsDone === 0 && run.rowsFailed === 0 && run.rowsMissing === 0) {
    warnings.push(`${run.done} ranges are done and ${noRow(backfill)}`);
  }
  if (backfill.undo && !run.dryRun && run.journaled === 0 && run.rowsDone > 0) {
    warnings.push(
      `${run.rowsDone} rows are done, and nothing of it is in the journal that the option undo asks for, so that it cannot be ` +
        (backfill.shape === 'range'
          ? `undone. ${backfill.className} has to write within ctx.journal(where, write).`
          : `undone. It has changed no entity; ${backfill.className} has to write statements within ctx.journal(where, write).`),
    );
  }
  const { version } = backfill;
  if (isUnmanned(run, workers, now, heldAll)) {
    warnings.push('No process has workers for this backfill. Start one with workers: true.');
  }
  const held = isActive(run.status) && isHeldForVersion(run, backfill);
  if (run.version !== null && run.version !== version && !held) {
    warnings.push(
      `The run was started with version ${run.version} of the handler; this process has ${version ?? 'none'}.`,
    );
  }
  if (refusal !== null && isActive(run.status)) {
    warnings.push(`This process does not work on the run: ${refusal}.`);
  }
  if (!config) {
    warnings.push(
      `The config of "${run.name}" in Redis is corrupt. Set the field that lastError names again.`,
    );
  }
  return warnings;
}

/**
 * Range handlers report how many rows they changed. Of batch and row handlers only the rows that they were given are
 * counted: they may write with statements of their own, or to other systems.
 */
function noRow({ shape }: HandledBackfill): string {
  return shape === 'range'
    ? 'not one row was reported by the handler. Check that its statement selects the rows of the range. If they need ' +
        'no change, cancel the run; if the handler does not count them, let it return nothing.'
    : 'not one row was loaded for the handler. Check the source: its table, `where` and `filters`. For sparse ids use ' +
        'keyset.';
}

/** A warning for each throttle that failed. */
export function throttleWarnings(errors: Readonly<Record<string, string>>): string[] {
  return Object.entries(errors).map(
    ([name, count]) =>
      `Throttle ${name} failed ${Number(count) === 1 ? 'once' : `${count} times`}; see the log for the reason.`,
  );
}
