import { partitionName } from '../handlers/in-databases.js';
import type { BackfillPreview, DatabasePreview } from './backfill-preview.js';

/**
 * The preview of a backfill whose partitions are in several databases, from those of its partitions.
 *
 * @param previews by the names of their backfills
 * @param limit number of ranges to list
 */
export function combinePreviews(
  name: string,
  previews: ReadonlyMap<string, BackfillPreview>,
  limit: number,
): BackfillPreview {
  const all = [...previews.values()];
  const ends = all.map(({ estimatedEnd }) => estimatedEnd).filter((end) => end !== null);
  return {
    ranges: all
      .flatMap(({ ranges }) => ranges)
      .toSorted((a, b) => a.index - b.index)
      .slice(0, limit),
    total: all.reduce((sum, { total }) => sum + total, 0),
    rowsTotal: all.reduce((sum, { rowsTotal }) => sum + rowsTotal, 0),
    rowsTotalKind: all.some(({ rowsTotalKind }) => rowsTotalKind === 'estimated') ? 'estimated' : 'exact',
    estimatedEnd: ends.length < all.length ? null : (ends.toSorted().at(-1) ?? null),
    forecast: null,
    warnings: [...previews].flatMap(([backfill, { warnings }]) =>
      warnings.map(({ code, message }) => ({
        code,
        message: `${partitionName(name, backfill)}: ${message}`,
      })),
    ),
    databases: [...previews].map(([backfill, preview]) => toDatabase(name, backfill, preview)),
  };
}

function toDatabase(group: string, backfill: string, preview: BackfillPreview): DatabasePreview {
  const { total, rowsTotal, rowsTotalKind, estimatedEnd, forecast } = preview;
  const partition = partitionName(group, backfill);
  return { partition, backfill, total, rowsTotal, rowsTotalKind, estimatedEnd, forecast };
}
