import type { ForecastRange } from '../state/backfill-forecast.js';
import { forecastRecords } from './forecast-records.js';
import type { WalBatch } from './forecast-records.js';
import { meanInterval, scaled } from './mean-interval.js';
import type { MeasuredTable, Measurement } from './measurement.js';
import { hotInPrunedRoom } from './hot-updates.js';
import { sum } from './sum.js';

/** A walk is taken for one in the order of the table where a batch has its rows in so many times the fewest pages. */
const SPREAD = 2;
/** Share of the old versions that no open transaction still needs when the next batch reads their page. */
const PRUNED = 0.9;

/** The write-ahead log, and what a run leaves in table and indexes. */
export interface WalForecast {
  readonly walBytes: ForecastRange;
  readonly hotShare: number | null;
  readonly tableGrowthBytes: ForecastRange | null;
  readonly indexGrowthBytes: ForecastRange | null;
}

/** The walk that is forecast. */
export interface ForecastWalk {
  readonly rowsTotal: number;
  readonly ranges: number;
  readonly durationMs: number | null;
}

/** As the docstring of `BackfillForecast.walBytes` says. `null` where the database does not tell. */
export function forecastWal({ batches, table }: Measurement, walk: ForecastWalk): WalForecast | null {
  const told = batches.filter((batch): batch is WalBatch => batch.wal !== null);
  if (told.length === 0) {
    return null;
  }
  const { rowsTotal } = walk;
  const updated = sum(told, ({ wal }) => wal.updated);
  const measured = updated === 0 ? null : sum(told, ({ wal }) => wal.hotUpdated) / updated;
  const pruned = table === null ? 0 : prunedShare(told, table, walk);
  const hotShare = measured === null ? null : measured + (1 - measured) * pruned;
  const records =
    table === null || measured === null
      ? null
      : forecastRecords(told, table, { measured, pruned: (1 - measured) * pruned }, walk);
  const perRow =
    updated /
    Math.max(
      1,
      sum(told, ({ rows }) => rows),
    );
  const entries = perRow * rowsTotal * (1 - (hotShare ?? 0));
  const growth = (bytes: number) => ({ low: 0, expected: entries * bytes, high: entries * bytes });
  return {
    walBytes: records ?? directly(told, rowsTotal),
    hotShare,
    tableGrowthBytes: table && growth(table.rowBytes),
    indexGrowthBytes: table && growth(sum(table.indexes, ({ bytes }) => bytes) / Math.max(1, table.rows)),
  };
}

/** Share of the other updates that are heap-only in a run, as earlier batches leave room in their pages. */
function prunedShare(batches: readonly WalBatch[], table: MeasuredTable, walk: ForecastWalk): number {
  const changing = batches.filter(({ changed, wal }) => changed > 0 && wal.heapPages > 0);
  if (changing.length === 0 || changing.some(({ wal }) => wal.changesIndex !== false || !wal.isPlain)) {
    return 0;
  }
  const rowsPerPage = table.rows / Math.max(1, table.pages);
  const rows = sum(changing, (batch) => batch.rows);
  const pages = sum(changing, ({ wal }) => wal.heapPages);
  const fewest = sum(changing, (batch) => 1 + batch.rows / rowsPerPage);
  const page = { rows: rowsPerPage, bytes: table.pageBytes };
  return (
    PRUNED *
    (pages <= fewest * SPREAD
      ? hotInPrunedRoom(page, walk.rowsTotal / Math.max(1, walk.ranges), true)
      : hotInPrunedRoom(page, rows / pages, false))
  );
}

/** What the handler wrote, images of pages included, by row. */
function directly(batches: readonly WalBatch[], rowsTotal: number): ForecastRange {
  const perRow = meanInterval(batches.map(({ wal, rows }) => wal.bytes / Math.max(1, rows)));
  return scaled(perRow ?? { low: 0, expected: 0, high: 0 }, rowsTotal);
}
