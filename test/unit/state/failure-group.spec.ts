import { FailureGrouping, isInGroup } from '../../../lib/state/failure-group.js';
import type { StoredFailure } from '../../../lib/state/failure-record.js';

let next = 0;
function failure(name: string, message: string, rows = 1): StoredFailure {
  const sequence = next++;
  return {
    id: `row-${sequence}`,
    sequence,
    record: {
      kind: 'row',
      key: sequence,
      error: { name, message },
      attempts: 1,
      failedAt: new Date(1e12 - sequence).toISOString(),
      payload: '',
      rows,
    },
  };
}

function grouped(failures: readonly StoredFailure[]) {
  const grouping = new FailureGrouping();
  failures.forEach((one) => grouping.add(one));
  return grouping.result();
}

describe('groups of failures', () => {
  it('have a class, a message without its varying parts, counts, times and the newest failure', () => {
    const failures = [
      failure('TypeError', 'row 1 is bad'),
      failure('RangeError', 'row 2 is bad', 10),
      failure('TypeError', 'row 3 is bad', 5),
      failure('TypeError', 'row 4 is worse'),
    ];
    const { total, groups } = grouped(failures);
    expect(total).toBe(4);
    expect(groups.map(({ error, message, count, rows }) => [error, message, count, rows])).toEqual([
      ['TypeError', 'row … is bad', 2, 6],
      ['RangeError', 'row … is bad', 1, 10],
      ['TypeError', 'row … is worse', 1, 1],
    ]);
    expect(groups[0]).toMatchObject({
      firstAt: failures[2]?.record.failedAt,
      lastAt: failures[0]?.record.failedAt,
      example: { id: failures[0]?.id, key: failures[0]?.record.key },
    });
    for (const { id, count } of groups) {
      expect(failures.filter(({ record }) => isInGroup(record, id))).toHaveLength(count);
    }
  });

  it('are told apart from a message of which everything varies', () => {
    const { groups } = grouped([failure('Error', '42'), failure('Error', 'bad'), failure('Error', '')]);
    expect(groups.map(({ message }) => message).toSorted()).toEqual(['', 'bad', '…']);
  });

  it('are bounded: a class with too many messages is one group, too many classes are one', () => {
    const words = Array.from({ length: 3_000 }, (_, i) =>
      Array.from(String(i), (digit) => 'abcdefghij'[Number(digit)]).join(''),
    );
    const failures = [
      ...words.slice(0, 100).map((word) => failure('Fine', word)),
      ...words.map((word) => failure('Wide', word)),
      failure('Fine', 'a'),
    ];
    const { total, groups } = grouped(failures);
    expect(total).toBe(3_101);
    expect(groups.length).toBeLessThanOrEqual(500);
    expect(groups[0]).toMatchObject({ error: 'Wide', message: '…', count: 3_000, rows: 3_000 });
    expect(groups[1]).toMatchObject({ error: 'Fine', message: 'a', count: 2 });
    expect(failures.filter(({ record }) => isInGroup(record, groups[0]?.id ?? ''))).toHaveLength(3_000);

    const all = words.map((word) => failure(word, 'bad'));
    const [one, ...others] = grouped(all).groups;
    expect([one, others]).toEqual([expect.objectContaining({ error: '…', message: '…', count: 3_000 }), []]);
    expect(all.every(({ record }) => isInGroup(record, one?.id ?? ''))).toBe(true);
  });
});
