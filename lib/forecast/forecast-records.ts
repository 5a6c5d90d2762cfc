import type { ForecastRange } from '../state/backfill-forecast.js';
import { meanInterval, scaled } from './mean-interval.js';
import type { MeasuredBatch, MeasuredTable, MeasuredWal } from './measurement.js';
import { pagesTouched } from './pages-touched.js';
import { sum } from './sum.js';

/** Times that a page of a B-tree is split once its rows get new entries, a fifth of them at least: a page is 90 % full. */
const SPLITS = { low: 0, expected: 1, high: 3 };
const FULL_FROM = 0.2;
/** Bytes of the records that an update has only where its new version is in another page: a lock, and one an index. */
const LOCK_BYTES = 56;
const INDEX_BYTES = 44;
/** What a record keeps at least of an update that is heap-only. */
const LEAST_HOT = 0.4;

/** A batch of which the database tells. */
export interface WalBatch extends MeasuredBatch {
  readonly wal: MeasuredWal;
}

/** Shares of the updates that are heap-only. */
export interface HotShares {
  /** In the rehearsal. */
  readonly measured: number;
  /** Further ones of a run. */
  readonly pruned: number;
}

/** Records by row, images and splits by page. `null` where the records are not known alone. */
export function forecastRecords(
  batches: readonly WalBatch[],
  table: MeasuredTable,
  hot: HotShares,
  { rowsTotal, durationMs }: { readonly rowsTotal: number; readonly durationMs: number | null },
): ForecastRange | null {
  if (!batches.every(({ wal }) => wal.isPlain && wal.recordBytes !== null)) {
    return null;
  }
  const perRow = meanInterval(batches.map(({ wal, rows }) => (wal.recordBytes ?? 0) / Math.max(1, rows)));
  const changedShare =
    sum(batches, ({ changed }) => changed) /
    Math.max(
      1,
      sum(batches, ({ rows }) => rows),
    );
  const rows = rowsTotal * changedShare;
  const entries = rows * (1 - hot.measured - hot.pruned);
  const indexes = hot.measured < 1 ? table.indexes : [];
  const touched = (count: number) =>
    sum(indexes, (index) => pagesTouched(count, index.pages, table.rows, index.isCorrelated));
  const heapPages = Math.min(table.pages, (table.pages * rowsTotal) / Math.max(1, table.rows));
  const imageBytes = imageBytesOf(batches, table, (changed) => touched(changed * (1 - hot.measured)));
  const images = imageBytes * (heapPages * Math.min(1, rows) + touched(rows * (1 - hot.measured)));
  const split = splitBytes(table, { rows, entries });
  const records = scaled(perRow ?? { low: 0, expected: 0, high: 0 }, rowsTotal);
  const saved =
    rows * hot.pruned * hotSavedBytes(table, (perRow?.expected ?? 0) / Math.max(changedShare, 1e-9));
  const checkpoints = durationMs === null ? 0 : Math.floor(durationMs / Math.max(1, table.checkpointMs));
  const scattered = sum(indexes, ({ isCorrelated, pages }) => (isCorrelated ? 0 : pages));
  return {
    low: records.low - saved + images * 0.9 + split.low,
    expected: records.expected - saved + images + split.expected,
    // A transaction that is open elsewhere keeps the room of old versions.
    high: records.high + images * 1.1 + imageBytes * scattered * checkpoints + split.high,
  };
}

/**
 * Bytes of the image of a page: what a batch wrote beyond its records, for each page. The median of the batches, as
 * the first one also has images of the maps of the table, which a run has once.
 */
function imageBytesOf(
  batches: readonly WalBatch[],
  { pageBytes, logsPages }: MeasuredTable,
  indexPages: (changed: number) => number,
): number {
  const changing = batches.filter(({ changed }) => changed > 0);
  if (logsPages === false || changing.length === 0) {
    return 0;
  }
  const byBatch = changing
    .map(({ wal, changed }) => {
      const beyond = wal.bytes - (wal.recordBytes ?? 0) - ((wal.splits ?? 0) * pageBytes) / 2;
      return Math.max(0, beyond) / Math.max(1, wal.heapPages + indexPages(changed));
    })
    .toSorted((left, right) => left - right);
  return Math.min(pageBytes, byBatch[Math.floor(byBatch.length / 2)] ?? 0);
}

/** The record of a split has half a page. */
function splitBytes(
  { indexes, pageBytes, rows: tableRows }: MeasuredTable,
  { rows, entries }: { readonly rows: number; readonly entries: number },
): ForecastRange {
  const pages = sum(indexes, (index) => ((index.method ?? 'btree') === 'btree' ? index.pages : 0));
  const share = Math.min(1, rows / Math.max(1, tableRows));
  const filled = rows === 0 ? 0 : Math.min(1, entries / rows / FULL_FROM);
  return scaled(SPLITS, (pages * share * filled * pageBytes) / 2);
}

/** Bytes that an update writes less when it is heap-only. */
function hotSavedBytes({ indexes, rows }: MeasuredTable, bytes: number): number {
  const inserted = sum(indexes, (index) => INDEX_BYTES + index.bytes / Math.max(1, rows));
  return Math.min(LOCK_BYTES + inserted, bytes * (1 - LEAST_HOT));
}
