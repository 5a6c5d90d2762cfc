import { cursorText } from '../state/cursor-fence.js';
import { encodeRequeuedJob } from '../state/job-id.js';
import { decodeEntry, encodeEntry } from '../state/range-entry.js';
import { cursorField, VOLATILE_FIELDS } from '../state/run-record.js';
import type { LedgerCheckpoint, LedgerRun } from './ledger-rows.js';

/** Distance of the new indexes and sequences from the old ones, which processes may still work with. */
const GENERATION = 1_000_000_000;

/** Fields of an undo of which nothing has been planned; see `CursorFence`. */
const NEVER_PLANNED = { [cursorField('')]: cursorText(null, '  '), exhausted: '0', partitionsDone: '' };

/** A run as it is written back to Redis. */
export interface RecoveredRun {
  readonly fields: Readonly<Record<string, string>>;
  readonly work: readonly (readonly [index: number, entry: string])[];
  /** The first sequence of failures from now on. */
  readonly failuresFrom: number;
}

/**
 * Rebuilds a run from its checkpoint. Ranges get new indexes, and the sequences of planning, cycles and failures
 * continue far beyond the old ones: what a process still does with the lost state is then refused as stale.
 */
export function recoveredFields(
  { status, statusReason, finishedAt, planned, done, failed }: LedgerRun,
  { state, work, failuresThrough }: LedgerCheckpoint,
): RecoveredRun {
  const first = nextGeneration(state['next']);
  const failuresFrom = nextGeneration(failuresThrough);
  const over = status === 'cancelled';
  // Checkpoints of earlier versions hold the volatile fields, too.
  const kept = Object.entries(state).filter(([field]) => !VOLATILE_FIELDS.includes(field));
  return {
    fields: {
      ...Object.fromEntries(kept),
      // A process without undo has written the checkpoint, and has not seen the outstanding ranges. An undo may be planned
      // again: its source has only rows that are not undone.
      ...(state['undoes'] && !over && work.length === 0 && planned > done + failed ? NEVER_PLANNED : {}),
      status,
      reason: statusReason ?? '',
      finishedAt: finishedAt === null ? '' : String(finishedAt.getTime()),
      next: String(first + (over ? 0 : work.length)),
      seq: String(nextGeneration(state['seq'])),
      cycle: String(nextGeneration(state['cycle'])),
      lowCycle: '-1',
      failureSequence: String(failuresFrom - 1),
      ledger: '1',
    },
    work: over ? [] : work.map((entry, i) => [first + i, unclaimed(entry, first + i)]),
    failuresFrom,
  };
}

/** The entry under a new index, as if no worker had claimed it. */
function unclaimed(entry: string, index: number): string {
  return encodeEntry({ ...decodeEntry(entry), claims: 0, releases: 0, job: encodeRequeuedJob(index, 0) });
}

function nextGeneration(value: string | number | undefined): number {
  return (Math.floor(Number(value ?? 0) / GENERATION) + 1) * GENERATION;
}
