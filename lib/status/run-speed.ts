import type { BackfillConfig } from '../config/backfill-config.js';
import type { HandlerShape } from '../handlers/handler-shape.js';
import { toPerSecond } from '../state/pace.js';
import type { RunRecord } from '../state/run-record.js';
import { throughput } from '../state/sample.store.js';
import type { BackfillSample } from '../state/sample.store.js';

/** What the speed of a run depends on beside its own state. */
export interface SpeedFacts {
  readonly config: BackfillConfig;
  /** Of its handler; `undefined` where this process has none. */
  readonly shape: HandlerShape | undefined;
  /** Calls a second that the quota or the third party allows now; `null` where no limit is known. */
  readonly callsPerSecond: number | null;
  /** Newest first. */
  readonly samples: readonly BackfillSample[];
  /** Epoch ms by the clock of Redis. */
  readonly now: number;
}

/** What was measured while the rate in force was in force. */
export interface MeasuredSpeed {
  /** Ranges that were done, with the part of those that are under way where that is known. */
  readonly ranges: number;
  readonly seconds: number;
}

const WINDOW_MS = 60_000;
/** Samples are taken once a second. Without one for this long, nobody measures. */
const FRESH_MS = 5_000;
/** A range of rows that is under way counts in part, which overestimates the rows of a range while few are done. */
const RANGES_FOR_AVERAGE = 10;

/** Rows that a range counts for: the average so far, or else the batch size. */
export function rowsPerRange(
  { done, progress }: RunRecord,
  { config: { batchSize }, shape }: Pick<SpeedFacts, 'config' | 'shape'>,
): number {
  const enough = shape === 'row' ? RANGES_FOR_AVERAGE : 1;
  return done >= enough && progress > 0 ? progress / done : batchSize;
}

/** Ranges a second that may start now; `Infinity` where neither a rate nor a quota limits them. */
export function allowedPerSecond(run: RunRecord, facts: SpeedFacts): number {
  return Math.min(toPerSecond(run.pace) ?? Infinity, quotaBound(run, facts) ?? Infinity);
}

/**
 * Ranges a second that the quota allows; `Infinity` without one, `null` where the handler calls a third party and it is not
 * known yet how often for a range.
 */
export function quotaBound(run: RunRecord, facts: SpeedFacts): number | null {
  const { callsPerSecond, shape } = facts;
  if (callsPerSecond === null) {
    return Infinity;
  }
  const rows = rowsPerRange(run, facts);
  const rowsSince = run.progress - run.quotaProgress;
  const measured = run.quotaCalls > 0 && rowsSince >= rows ? run.quotaCalls / rowsSince : null;
  if (shape === 'row') {
    // One call a row, and those that the handler adds.
    return callsPerSecond / (Math.max(1, measured ?? 1) * rows);
  }
  if (run.quotaCalls <= 0) {
    return Infinity;
  }
  return measured === null ? null : callsPerSecond / (measured * rows);
}

/**
 * What was done within the last minute, since the run is in its state and its rate in force: what was done before says
 * nothing about what comes.
 */
export function measuredSpeed(run: RunRecord, facts: SpeedFacts): MeasuredSpeed {
  const { samples, now, shape } = facts;
  const newest = samples[0];
  if (!newest || now - newest.at > FRESH_MS) {
    return { ranges: 0, seconds: 0 };
  }
  const holdEnd = run.holdUntil ?? 0;
  const from = Math.max(newest.at - WINDOW_MS, run.stateSince ?? run.startedAt, run.rateSince ?? 0, holdEnd);
  const since = samples.filter(({ at }) => at >= from);
  const seconds = (newest.at - (since.at(-1) ?? newest).at) / 1000;
  const { ranges, rows } = throughput(since, WINDOW_MS);
  return { ranges: (shape === 'row' ? rows / rowsPerRange(run, facts) : ranges) * seconds, seconds };
}
