import type { LedgerCheckpoint, LedgerRun } from './ledger-rows.js';

/** Ranges that a process still works on when Redis loses them must never be taken for others. */
const GENERATION = 1_000_000_000;

/** What belongs to the moment and not to the run. */
const FLEETING = new Set([
  'moment',
  'debt',
  'interval',
  'next interval',
  'next interval at',
  'rateReason',
  'holdUntil',
  'holdReason',
  'lastCycleAt',
  'lowCycle',
  'lastProgress',
  'retrySequence',
  'configVersion',
]);

/** A run as it is put back into Redis. */
export interface RecoveredRun {
  readonly fields: Readonly<Record<string, string>>;
  readonly work: readonly (readonly [index: number, entry: string])[];
  /** The first sequence of failures that come from now on. */
  readonly failuresFrom: number;
}

/**
 * Makes a run out of its checkpoint. Ranges get new indexes, and the sequences of planning, cycles and
 * failures begin anew far beyond the old ones: what processes still do on behalf of the lost state then
 * meets nothing of the new one.
 */
export function recoveredFields(
  { status, statusReason, finishedAt }: LedgerRun,
  { state, work, failuresThrough }: LedgerCheckpoint,
): RecoveredRun {
  const first = nextGeneration(state['next']);
  const failuresFrom = nextGeneration(failuresThrough);
  const over = status === 'cancelled';
  const kept = Object.entries(state).filter(([field]) => !FLEETING.has(field));
  return {
    fields: {
      ...Object.fromEntries(kept),
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
    work: over ? [] : work.map((entry, i) => [first + i, freshEntry(entry, first + i)]),
    failuresFrom,
  };
}

/** `claims|returns|attempts|notBefore|job|rows|payload`, as `prelude.lua` says: nobody has claimed it yet. */
function freshEntry(entry: string, index: number): string {
  const [, , attempts, notBefore, , rows, ...payload] = entry.split('|');
  return ['0', '0', attempts, notBefore, `${index}a0`, rows, ...payload].join('|');
}

function nextGeneration(value: string | number | undefined): number {
  return (Math.floor(Number(value ?? 0) / GENERATION) + 1) * GENERATION;
}
