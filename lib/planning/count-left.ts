import type { BackfillSource, JsonValue, PlanRequest, SourceContext } from '../sources/backfill-source.js';
import { planSweep } from '../sources/plan-sweep.js';

const RANGE_ROWS = 1_000;
const RANGES = 50;

/**
 * Number of rows that match the filter of a source now. They are counted page by page where the source can be swept: a
 * single count of a large table takes longer than the statement timeout of its database. `null` without a filter.
 */
export async function countLeft(source: BackfillSource, context: SourceContext): Promise<number | null> {
  const partitions = await source.openSweep?.(context, {});
  if (!partitions) {
    return (await source.countLeft?.(context)) ?? null;
  }
  let left = 0;
  for (const { name, bounds } of partitions) {
    let cursor: JsonValue = null;
    for (let exhausted = bounds === null; !exhausted;) {
      const request: PlanRequest = { partition: name, bounds, cursor, batchSize: RANGE_ROWS, limit: RANGES };
      const plan = await planSweep(source, context, request);
      left += plan.ranges.reduce((sum, { rows }) => sum + rows, 0);
      ({ cursor, exhausted } = plan);
    }
  }
  return left;
}
