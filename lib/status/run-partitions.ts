import type { RowTotal } from '../sources/backfill-source.js';
import { markToMeasureFrom, partitionRows } from '../state/partition-marks.js';
import type { RunRecord } from '../state/run-record.js';
import type { PartitionStatus } from './backfill-status.js';

/** What was measured for a shorter time says little. */
const MEASURED_MS = 5_000;

/** The partitions of a run, in the order of the source; none where it has only one. */
export function partitionsOf(run: RunRecord, now: number): PartitionStatus[] {
  const partitions = run.partitions ?? [];
  if (partitions.length < 2) {
    return [];
  }
  const processed = partitionRows(run);
  const mark = run.status === 'running' ? markToMeasureFrom(run, now) : undefined;
  const seconds = mark && now - mark[0] >= MEASURED_MS ? (now - mark[0]) / 1000 : null;
  return partitions.map(({ name, bounds, total }, i) => {
    const rows = processed?.[i] ?? null;
    const before = mark?.[1][i];
    return {
      name,
      cursor: run.cursors[name] ?? null,
      rows,
      rowsTotal: total ? Math.round(total.rows) : null,
      percent: bounds === null ? 100 : percentOf(run, rows, total),
      // A retry takes rows back.
      rowsPerSecond:
        rows === null || seconds === null || before === undefined
          ? null
          : Math.round((Math.max(0, rows - before) * 100) / seconds) / 100,
    };
  });
}

/** 0 to 100; 100 only when all of its rows are through, or the run has ended with all of them planned. */
function percentOf(
  { status, exhausted }: RunRecord,
  rows: number | null,
  total: RowTotal | undefined,
): number | null {
  if (rows === null || total === undefined) {
    return null;
  }
  const ended = status === 'completed' || (status === 'failed' && exhausted);
  if (ended || (total.exact && rows >= total.rows)) {
    return 100;
  }
  return total.rows <= 0 ? 0 : Math.max(0, Math.min(99.9, Math.floor((1000 * rows) / total.rows) / 10));
}
