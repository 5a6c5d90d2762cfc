import type { JsonValue, SourceWarning } from '../sources/backfill-source.js';
import type { BackfillConfigPatch } from '../config/backfill-config.js';

/**
 * What a preview supposes.
 *
 * @publicApi
 */
export interface PreviewOptions {
  /** Where the run would begin, inclusive, in the order of the walk. */
  readonly from?: unknown;
  /** Where the run would end, inclusive. */
  readonly to?: unknown;
  /** When the first range would start: a `Date`, ISO time or epoch ms. Default: now. */
  readonly at?: Date | string | number;
  /** Ranges to list, 1 to 1000. Default 20. */
  readonly limit?: number;
  /** Config to suppose on top of what is in force. */
  readonly config?: BackfillConfigPatch;
}

/** A range as a run would give it, and when: `begin` and `end`, or `first` and `last`. */
export interface PreviewRange {
  readonly index: number;
  readonly partition?: string;
  readonly begin?: JsonValue;
  readonly end?: JsonValue;
  readonly first?: JsonValue;
  readonly last?: JsonValue;
  /** ISO time, to the microsecond where the rate asks for it. */
  readonly runAt: string | null;
}

/**
 * What a run would do; nothing is started.
 *
 * @publicApi
 */
export interface BackfillPreview {
  readonly ranges: readonly PreviewRange[];
  /** How many ranges there will be: exact for `idRange`, by the number of rows else. */
  readonly total: number;
  readonly rowsTotal: number;
  readonly rowsTotalKind: 'exact' | 'estimated';
  /** ISO time by the configured rates and peak hours; `null`: never, or unpaced and never measured. */
  readonly estimatedEnd: string | null;
  readonly warnings: readonly SourceWarning[];
}
