import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { SourceContext, SourceOpening } from '../sources/backfill-source.js';

/** Number of ranges of a run: by the source where it tells, else by its rows. */
export async function countRanges(
  { source }: RegisteredBackfill,
  context: SourceContext,
  opening: SourceOpening,
  batchSize: number,
): Promise<number> {
  const inspection = await source.inspect?.(context, opening, batchSize);
  return inspection?.totalRanges ?? Math.ceil(opening.total.rows / batchSize);
}
