import type { BackfillPreview, DatabasePreview } from './backfill-preview.js';

/** A partition in a database of its own, with the preview of its backfill. */
export interface PreviewedDatabase {
  readonly partition: string;
  readonly backfill: string;
  readonly preview: BackfillPreview;
}

/**
 * The preview of a backfill whose partitions are in several databases, from those of its partitions.
 *
 * @param limit number of ranges to list
 */
export function combinePreviews(databases: readonly PreviewedDatabase[], limit: number): BackfillPreview {
  const all = databases.map(({ preview }) => preview);
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
    warnings: databases.flatMap(({ partition, preview }) =>
      preview.warnings.map(({ code, message }) => ({ code, message: `${partition}: ${message}` })),
    ),
    databases: databases.map(toDatabase),
  };
}

function toDatabase({ partition, backfill, preview }: PreviewedDatabase): DatabasePreview {
  const { total, rowsTotal, rowsTotalKind, estimatedEnd, forecast } = preview;
  return { partition, backfill, total, rowsTotal, rowsTotalKind, estimatedEnd, forecast };
}
