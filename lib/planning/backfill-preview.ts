import type { BackfillForecast } from '../state/backfill-forecast.js';
import type { JsonValue, SourceWarning } from '../sources/backfill-source.js';
import type { BackfillConfigPatch } from '../config/backfill-config.js';

/**
 * Options of `BackfillService.preview`.
 *
 * @publicApi
 */
export interface PreviewOptions {
  /** Key of the first row, inclusive, in the order of the source. Default: the first row of the table. */
  readonly from?: unknown;
  /** Key of the last row, inclusive, in the order of the source. Default: the last row of the table now. */
  readonly to?: unknown;
  /** Parameters of the run, as `start` takes them. Default: none. */
  readonly params?: unknown;
  /** When the first range would start: a `Date`, an ISO time or epoch milliseconds. Default: now. */
  readonly at?: Date | string | number;
  /** Number of ranges to list, 1 to 1000. Default 20. */
  readonly limit?: number;
  /** Config values to plan with instead of those in force. Default: none. */
  readonly config?: BackfillConfigPatch;
}

/**
 * A range that a run would plan: `begin` and `end` for `idRange`, `first` and `last` for `keyset`, other fields for
 * other sources.
 *
 * @publicApi
 */
export interface PreviewRange {
  /** Sequence number from 0, in planning order. */
  readonly index: number;
  /** Name of the partition; absent when the source has no partitions. */
  readonly partition?: string;
  /** Smallest id of the range, inclusive. */
  readonly begin?: JsonValue;
  /** Largest id of the range, inclusive. */
  readonly end?: JsonValue;
  /** Key of the first row, in the order of the source. */
  readonly first?: JsonValue;
  /** Key of the last row, in the order of the source. */
  readonly last?: JsonValue;
  /** Start time as an ISO string, with microseconds where the rate needs them; `null` where it would never start. */
  readonly runAt: string | null;
}

/**
 * What a run would do. Nothing is started.
 *
 * @publicApi
 */
export interface BackfillPreview {
  /** The first ranges, in planning order. */
  readonly ranges: readonly PreviewRange[];
  /** Number of ranges of the whole run: exact for `idRange`, otherwise derived from the number of rows. */
  readonly total: number;
  /** Number of rows. */
  readonly rowsTotal: number;
  /** Whether `rowsTotal` was counted or estimated. */
  readonly rowsTotalKind: 'exact' | 'estimated';
  /**
   * ISO time at which the last range would start, by the configured rates and peak hours; `null` where it would never
   * start, or the rate is unpaced.
   */
  readonly estimatedEnd: string | null;
  /**
   * What the run will cost, from what the last rehearsal has measured and the config of this preview; `null` where there was
   * no rehearsal within the last hour.
   */
  readonly forecast: BackfillForecast | null;
  /** What the source noticed, for example a missing index or sparse ids. */
  readonly warnings: readonly SourceWarning[];
  /** Where the partitions are in several databases: each of them, and the rest of the preview is their sum. */
  readonly databases?: readonly DatabasePreview[];
}

/**
 * What a run in one of several databases would do.
 *
 * @publicApi
 */
export interface DatabasePreview extends Pick<
  BackfillPreview,
  'total' | 'rowsTotal' | 'rowsTotalKind' | 'estimatedEnd' | 'forecast'
> {
  readonly partition: string;
  /** Name of its backfill. */
  readonly backfill: string;
}
