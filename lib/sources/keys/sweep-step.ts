import type { KeyInterval } from './key-interval.js';
import type { KeyBatch, KeyValues } from './key-reader.js';

/** Most rows of the table that one query of a sweep reads: few rows may match, or none. */
export const MAX_STEP_ROWS = 50_000;

/** Reads the first `limit` batches of an interval. */
export type ReadBatches = (interval: KeyInterval, batchSize: number, limit: number) => Promise<KeyBatch[]>;

/** The matching rows of one step of a sweep. */
export interface SweepStep {
  readonly batches: readonly KeyBatch[];
  /** Key of the last row that was looked at; `null` where the interval had none. */
  readonly last: KeyValues | null;
  /** Whether the interval has nothing left to look at. */
  readonly exhausted: boolean;
}

/**
 * Looks for matching rows in the next rows of an interval, matching or not. A query for matching rows alone would read
 * the whole table once few are left, and hit the statement timeout of the database.
 *
 * @param all Reads the rows of the table.
 * @param matching Reads the rows that match the filter of the source.
 * @param least Least rows to look at, where there are as many. Default: as many as the batches could have.
 * @internal
 */
export async function sweepStep(
  all: ReadBatches,
  matching: ReadBatches,
  interval: KeyInterval,
  batchSize: number,
  limit: number,
  least = batchSize * limit,
): Promise<SweepStep> {
  const stepRows = Math.max(batchSize, Math.min(Math.max(least, batchSize * limit), MAX_STEP_ROWS));
  const [step] = await all(interval, stepRows, 1);
  if (!step) return { batches: [], last: null, exhausted: true };
  const upper = { values: step.last, inclusive: true };
  const batches = await matching({ ...interval, upper }, batchSize, limit);
  const last = batches.at(-1);
  // Rows that were inserted between the two queries may be more than a page.
  return batches.length === limit && last?.rows === batchSize
    ? { batches, last: last.last, exhausted: false }
    : { batches, last: step.last, exhausted: step.rows < stepRows };
}

/**
 * The rest of an interval after a cursor.
 *
 * @param cursor `null` at the beginning.
 */
export function intervalAfter(interval: KeyInterval, cursor: KeyValues | null): KeyInterval {
  return cursor === null ? interval : { ...interval, lower: { values: cursor, inclusive: false } };
}
