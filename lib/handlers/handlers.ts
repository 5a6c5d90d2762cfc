import type { BackfillRange } from '../sources/backfill-source.js';
import type { BackfillContext } from './backfill-context.js';

/**
 * A handler that is given a contiguous range and does the work itself, usually with one statement.
 *
 * Answer the number of rows touched to have `rowsDone` exact; without it the source's own figure counts.
 *
 * @publicApi
 */
export interface RangeHandler<TRange extends BackfillRange = BackfillRange> {
  processRange(range: TRange, context: BackfillContext): Promise<number | void> | number | void;
}

/**
 * A handler that is given the loaded rows of a range. Changed entities are flushed when it returns.
 *
 * @publicApi
 */
export interface BatchHandler<TRow> {
  processBatch(rows: TRow[], context: BackfillContext): Promise<void> | void;
}

/**
 * A handler that is given one row at a time, `rowConcurrency` at once. A row that throws does not stop
 * the others. Changed entities are flushed when the rows of the range are through.
 *
 * @publicApi
 */
export interface RowHandler<TRow> {
  processRow(row: TRow, context: BackfillContext): Promise<void> | void;
}
