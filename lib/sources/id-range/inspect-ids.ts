import type { SourceInspection, SourceWarning } from '../backfill-source.js';
import { countStrides, type IdInterval } from './id-interval.js';
import type { IdBounds } from './id-range-codec.js';
import type { IndexSupport, SortColumn } from '../keys/key-reader.js';
import { estimateEmptyRanges, isSparse, sampleRanges } from './sparse-ids.js';

/** Ranges in the sample, each checked with one short query. */
const SAMPLE_SIZE = 32;

/** The queries of an inspection. */
export interface IdProbe {
  hasRows(partition: string, interval: IdInterval): Promise<boolean>;
  indexSupport(partition: string): Promise<IndexSupport>;
}

/**
 * Checks the id column before a run: its index, and whether the ids are dense.
 *
 * @param partitions Bounds of the partitions that have rows.
 * @internal
 */
export async function inspectIds(
  { path }: SortColumn,
  partitions: ReadonlyArray<IdBounds & { readonly partition: string }>,
  batchSize: number,
  probe: IdProbe,
): Promise<SourceInspection> {
  const totalRanges = partitions.reduce((sum, bounds) => sum + countStrides(bounds, batchSize), 0);
  const [first] = partitions;
  if (first && (await probe.indexSupport(first.partition)) === 'not-indexed') {
    // Without an index the probes for sparse ids would scan the table too.
    return { warnings: [noIndexWarning(path)], totalRanges };
  }
  let empty = 0;
  for (const { partition, ...bounds } of partitions) {
    const ranges = countStrides(bounds, batchSize);
    const sample = sampleRanges(ranges, Math.ceil(SAMPLE_SIZE / partitions.length));
    let emptyInSample = 0;
    for (const index of sample) {
      if (!(await probe.hasRows(partition, rangeAt(bounds, index, batchSize)))) emptyInSample++;
    }
    empty += estimateEmptyRanges(ranges, bounds.rows, sample.length, emptyInSample);
  }
  return {
    warnings: isSparse(totalRanges, empty) ? [sparseWarning(path, totalRanges, empty)] : [],
    totalRanges,
  };
}

function rangeAt({ low, high }: IdInterval, index: number, batchSize: number): IdInterval {
  const begin = low + BigInt(index) * BigInt(batchSize);
  const end = begin + BigInt(batchSize) - 1n;
  return { low: begin, high: end < high ? end : high };
}

function noIndexWarning(path: string): SourceWarning {
  return {
    code: 'NO_INDEX',
    message: `${path} has no index: the query of every range scans the whole table. Create an index on it.`,
  };
}

function sparseWarning(path: string, ranges: number, empty: number): SourceWarning {
  const share = Math.round((empty / ranges) * 100);
  return {
    code: 'SPARSE_IDS',
    message:
      `About ${empty} of ${ranges} ranges (${share} %) have no rows, because ${path} has gaps or the ` +
      `filter excludes rows. Use keyset(…, { orderBy: { ${path}: … } }), which plans full ranges only.`,
  };
}
