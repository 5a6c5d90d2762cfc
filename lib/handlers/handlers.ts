import type { BackfillRange } from '../sources/backfill-source.js';
import type { BackfillContext } from './backfill-context.js';

/**
 * Processes a contiguous range, usually with one SQL statement.
 *
 * Return the number of affected rows so that `rowsDone` is exact; without it the planned number of rows counts.
 *
 * @publicApi
 */
export interface RangeHandler<TRange extends BackfillRange = BackfillRange> {
  processRange(range: TRange, context: BackfillContext): Promise<number | void> | number | void;
}

/**
 * Processes the loaded rows of a range. Changed entities are flushed when it returns.
 *
 * @publicApi
 */
export interface BatchHandler<TRow> {
  processBatch(rows: TRow[], context: BackfillContext): Promise<void> | void;
}

/**
 * Processes one row a call, `rowConcurrency` calls at once. A row that throws does not stop the others. Changed
 * entities are flushed after the rows of the range, and each `rowAckMs` before that.
 *
 * @publicApi
 */
export interface RowHandler<TRow> {
  processRow(row: TRow, context: BackfillContext): Promise<void> | void;
}
