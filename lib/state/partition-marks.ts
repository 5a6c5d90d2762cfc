import type { SourcePartition } from '../sources/backfill-source.js';

/**
 * The rows that each partition of a run had processed at some moments, newest first: epoch ms, and the rows in the order of
 * the partitions. The speed of a partition is measured from the oldest of them to now.
 */
export type PartitionMarks = readonly (readonly [at: number, rows: readonly number[]])[];

const EVERY_MS = 30_000;
const KEPT = 2;
/** The marks are a part of the run that each status reads: of more partitions than this none are kept. */
const MOST_PARTITIONS = 500;

/** What of a run tells the rows of its partitions. */
interface MarkedRun {
  readonly partitions: readonly SourcePartition[] | null;
  readonly progress: number;
  readonly progressBy: Readonly<Record<string, number>>;
  readonly partitionMarks: PartitionMarks | null;
  readonly stateSince: number | null;
}

/**
 * Rows that are through of each partition, in the order of the partitions; `null` where that is not known: where the source
 * has no partitions, or processes of a version that does not count by partition have worked on the run.
 */
export function partitionRows({ partitions, progress, progressBy }: MarkedRun): number[] | null {
  if (!partitions || partitions.length < 2) {
    return null;
  }
  const rows = partitions.map(({ name }) => progressBy[name] ?? 0);
  return rows.reduce((sum, each) => sum + each, 0) === progress ? rows : null;
}

/** The marks with one of now; `null` where none is due. */
export function withMark(run: MarkedRun, now: number): PartitionMarks | null {
  const rows = partitionRows(run);
  const marks = run.partitionMarks ?? [];
  const last = marks[0]?.[0] ?? -Infinity;
  if (rows === null || rows.length > MOST_PARTITIONS || now - last < EVERY_MS) {
    return null;
  }
  return [[now, rows], ...marks].slice(0, KEPT) as PartitionMarks;
}

/** The oldest mark that what was done since tells the present speed from; `undefined` where there is none. */
export function markToMeasureFrom(
  { partitionMarks, partitions, stateSince }: MarkedRun,
  now: number,
): PartitionMarks[number] | undefined {
  return partitionMarks?.findLast(
    ([at, rows]) =>
      rows.length === partitions?.length &&
      now - at <= (KEPT + 1) * EVERY_MS &&
      at >= (stateSince ?? -Infinity),
  );
}
