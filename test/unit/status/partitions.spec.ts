import { partitionsOf } from '../../../lib/status/run-partitions.js';
import { withMark } from '../../../lib/state/partition-marks.js';
import { aRun, START } from './a-run.js';

const partitions = JSON.stringify([
  { name: 'eu', bounds: 1, total: { rows: 1000, exact: true } },
  { name: 'us', bounds: 1 },
  { name: 'empty', bounds: null },
]);
const counted = { partitions, progress: 700, 'progress:eu': 500, 'progress:us': 200, 'cursor:eu': '7' };

describe('the partitions of a run', () => {
  it('have what is known of each', () => {
    expect(partitionsOf(aRun(counted), START)).toEqual([
      { name: 'eu', cursor: 7, rows: 500, rowsTotal: 1000, percent: 50, rowsPerSecond: null },
      { name: 'us', cursor: null, rows: 200, rowsTotal: null, percent: null, rowsPerSecond: null },
      { name: 'empty', cursor: null, rows: 0, rowsTotal: null, percent: 100, rowsPerSecond: null },
    ]);
  });

  it('are none where the source has one', () => {
    expect(partitionsOf(aRun({ partitions: '[{"name":"","bounds":1}]' }), START)).toEqual([]);
  });

  it('have no rows where a process that does not count them has worked on the run', () => {
    const [eu] = partitionsOf(aRun({ ...counted, progress: 701 }), START);
    expect(eu).toEqual({
      name: 'eu',
      cursor: 7,
      rows: null,
      rowsTotal: 1000,
      percent: null,
      rowsPerSecond: null,
    });
  });

  it('have their speed since the oldest mark of the present state of the run', () => {
    const marked = (marks: unknown, fields = {}) =>
      partitionsOf(
        aRun({ ...counted, partitionMarks: JSON.stringify(marks), ...fields }),
        START + 60_000,
      ).map(({ rowsPerSecond }) => rowsPerSecond);
    const marks = [
      [START + 50_000, [490, 190, 0]],
      [START + 20_000, [100, 200, 0]],
    ];
    expect(marked(marks)).toEqual([10, 0, 0]);
    expect(marked(marks, { stateSince: `running|0|${START + 30_000}|0` })).toEqual([1, 1, 0]);
    expect(marked(marks, { status: 'paused' })).toEqual([null, null, null]);
    expect(marked([[START - 60_000, [0, 0, 0]]])).toEqual([null, null, null]);
    expect(marked([[START + 59_000, [0, 0, 0]]])).toEqual([null, null, null]);
    expect(marked('corrupt')).toEqual([null, null, null]);
  });

  it('are marked every half minute, and two marks are kept', () => {
    const first = withMark(aRun(counted), START);
    expect(first).toEqual([[START, [500, 200, 0]]]);
    const marked = (marks: unknown) => aRun({ ...counted, partitionMarks: JSON.stringify(marks) });
    expect(withMark(marked(first), START + 29_000)).toBeNull();
    const second = withMark(marked(first), START + 30_000);
    expect(second?.map(([at]) => at)).toEqual([START + 30_000, START]);
    expect(withMark(marked(second), START + 60_000)?.map(([at]) => at)).toEqual([
      START + 60_000,
      START + 30_000,
    ]);
    expect(withMark(aRun(), START)).toBeNull();
  });
});
