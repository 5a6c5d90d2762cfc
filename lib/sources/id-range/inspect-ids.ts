import type { SourceInspection, SourceWarning } from '../backfill-source.js';
import { countStrides, type IdInterval } from './id-interval.js';
import type { IdBounds } from './id-range-codec.js';
import type { IndexSupport, SortColumn } from '../keys/key-reader.js';
import { estimateEmptyRanges, isSparse, sampleRanges } from './sparse-ids.js';

/** Ranges that are looked at to see whether they are empty, one short query each. */
const SAMPLES = 32;

/** How the inspector looks at the table. */
export interface IdProbe {
  /** Whether a stretch of ids holds a row. */
  hasRows(partition: string, interval: IdInterval): Promise<boolean>;
  /** Whether an index leads to the ids; `undefined` where it cannot be told. */
  indexSupport(partition: string): Promise<IndexSupport>;
}

/**
 * Looks at the ids before a run.
 *
 * @internal
 */
export async function inspectIds(
  { path }: SortColumn,
  intervals: ReadonlyArray<IdBounds & { readonly partition: string }>,
  batchSize: number,
  probe: IdProbe,
): Promise<SourceInspection> {
  const warnings: SourceWarning[] = [];
  let totalRanges = 0;
  let empty = 0;
  const [first] = intervals;
  if (first && (await probe.indexSupport(first.partition)) === 'not-indexed') {
    warnings.push({
      code: 'NO_INDEX',
      message: `No index leads to ${path}: every range reads the whole table. Create an index on it.`,
    });
    // Without one, each probe would read the table too.
    return {
      warnings,
      totalRanges: intervals.reduce((sum, interval) => sum + countStrides(interval, batchSize), 0),
    };
  }
  for (const interval of intervals) {
    const ranges = countStrides(interval, batchSize);
    const samples = sampleRanges(ranges, Math.ceil(SAMPLES / intervals.length));
    let emptySamples = 0;
    for (const number of samples) {
      const low = interval.low + BigInt(number) * BigInt(batchSize);
      const end = low + BigInt(batchSize) - 1n;
      const high = end < interval.high ? end : interval.high;
      if (!(await probe.hasRows(interval.partition, { low, high }))) emptySamples++;
    }
    totalRanges += ranges;
    empty += estimateEmptyRanges(ranges, interval.rows, samples.length, emptySamples);
  }
  if (isSparse(totalRanges, empty)) {
    const share = Math.round((empty / totalRanges) * 100);
    warnings.push({
      code: 'SPARSE_IDS',
      message:
        `About ${empty} of ${totalRanges} ranges (${share} %) would hold no row, because ${path} has gaps or the ` +
        `filter leaves rows out. keyset(…, { orderBy: { ${path}: … } }) plans full ranges only.`,
    });
  }
  return { warnings, totalRanges };
}
