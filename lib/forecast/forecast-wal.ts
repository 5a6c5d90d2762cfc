import type { ForecastRange } from '../state/backfill-forecast.js';
import { meanInterval, scaled } from './mean-interval.js';
import type { MeasuredBatch, MeasuredTable, MeasuredWal, Measurement } from './measurement.js';

interface WalBatch extends MeasuredBatch {
  readonly wal: MeasuredWal;
}

/** The write-ahead log, and what a run leaves in table and indexes. */
export interface WalForecast {
  readonly walBytes: ForecastRange;
  readonly hotShare: number | null;
  readonly tableGrowthBytes: ForecastRange | null;
  readonly indexGrowthBytes: ForecastRange | null;
}

/** As the docstring of `BackfillForecast.walBytes` says. `null` where the database does not tell. */
export function forecastWal(
  { batches, table }: Measurement,
  rowsTotal: number,
  durationMs: number | null,
): WalForecast | null {
  const told = batches.filter((batch): batch is WalBatch => batch.wal !== null);
  if (told.length === 0) {
    return null;
  }
  const updated = sum(told, ({ wal }) => wal.updated);
  const hotShare = updated === 0 ? null : sum(told, ({ wal }) => wal.hotUpdated) / updated;
  const records =
    table === null || hotShare === null ? null : fromRecords(told, table, hotShare, rowsTotal, durationMs);
  const entries =
    (updated /
      Math.max(
        1,
        sum(told, ({ rows }) => rows),
      )) *
    rowsTotal *
    (1 - (hotShare ?? 0));
  const growth = (bytes: number) => ({ low: 0, expected: entries * bytes, high: entries * bytes });
  return {
    walBytes: records ?? directly(told, rowsTotal),
    hotShare,
    tableGrowthBytes: table && growth(table.rowBytes),
    indexGrowthBytes: table && growth(sum(table.indexes, ({ bytes }) => bytes) / Math.max(1, table.rows)),
  };
}

/** What the handler wrote, images of pages included, by row. */
function directly(batches: readonly WalBatch[], rowsTotal: number): ForecastRange {
  const perRow = meanInterval(batches.map(({ wal, rows }) => wal.bytes / Math.max(1, rows)));
  return scaled(perRow ?? { low: 0, expected: 0, high: 0 }, rowsTotal);
}

/** Records by row, and images by page. `null` where the records are not known alone. */
function fromRecords(
  batches: readonly WalBatch[],
  table: MeasuredTable,
  hotShare: number,
  rowsTotal: number,
  durationMs: number | null,
): ForecastRange | null {
  if (!batches.every(({ wal }) => wal.isPlain && wal.recordBytes !== null)) {
    return null;
  }
  const perRow = meanInterval(batches.map(({ wal, rows }) => (wal.recordBytes ?? 0) / Math.max(1, rows)));
  const images = sum(batches, ({ wal }) => Math.max(0, wal.bytes - (wal.recordBytes ?? 0)));
  const indexes = hotShare < 1 ? table.indexes : [];
  const touched = (rows: number, isWritten: number) =>
    sum(indexes, (index) => pagesTouched(rows * isWritten, index.pages, table.rows, index.isCorrelated));
  const changedShare =
    sum(batches, ({ changed }) => changed) /
    Math.max(
      1,
      sum(batches, ({ rows }) => rows),
    );
  const measuredPages = sum(
    batches,
    ({ wal, changed }) => (changed > 0 ? wal.heapPages : 0) + touched(changed, 1 - hotShare),
  );
  const imageBytes = Math.min(table.pageBytes, measuredPages === 0 ? 0 : images / measuredPages);
  const rows = rowsTotal * changedShare;
  const heapPages = Math.min(table.pages, (table.pages * rowsTotal) / Math.max(1, table.rows));
  const once = imageBytes * (heapPages * Math.min(1, rows) + touched(rows, 1 - hotShare));
  const checkpoints = durationMs === null ? 0 : Math.floor(durationMs / Math.max(1, table.checkpointMs));
  const scattered = sum(indexes, ({ isCorrelated, pages }) => (isCorrelated ? 0 : pages));
  const records = scaled(perRow ?? { low: 0, expected: 0, high: 0 }, rowsTotal);
  return {
    low: records.low + once * 0.9,
    expected: records.expected + once,
    high: records.high + once * 1.1 + imageBytes * scattered * checkpoints,
  };
}

/**
 * Pages that so many entries touch: neighbours share one; scattered over the pages, each is missed with a probability of
 * (1 - 1 / pages) to the power of the entries.
 */
export function pagesTouched(
  entries: number,
  pages: number,
  totalEntries: number,
  isCorrelated: boolean,
): number {
  if (entries <= 0 || pages <= 0) {
    return 0;
  }
  return isCorrelated
    ? Math.min(pages, Math.max(1, (entries * pages) / Math.max(1, totalEntries)))
    : pages * (1 - Math.exp(-entries / pages));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
