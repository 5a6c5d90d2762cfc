import fc from 'fast-check';
import { DatabaseTimestamp, parseTimestamp } from '../../../../lib/sources/keys/database-timestamp.js';
import {
  intervalConjunctions,
  type Conjunction,
} from '../../../../lib/sources/keys/interval-conjunctions.js';
import type { KeyBound } from '../../../../lib/sources/keys/key-interval.js';
import type { SortDirection } from '../../../../lib/sources/keys/sort-key.js';

const directions = fc.array(fc.constantFrom('asc' as const, 'desc' as const), { minLength: 1, maxLength: 3 });
const bound = (width: number, value: fc.Arbitrary<unknown>) =>
  fc.option(
    fc.record({ values: fc.array(value, { minLength: 1, maxLength: width }), inclusive: fc.boolean() }),
    { nil: undefined },
  );

/** Texts in a case-insensitive collation: the database compares their lower case. */
const texts = fc.constantFrom('a', 'A', 'b', 'B', 'c');
const rank = (value: unknown) =>
  typeof value === 'string' ? value.toLowerCase().charCodeAt(0) : Number(value);

function rowsOf(values: readonly unknown[], width: number): unknown[][] {
  if (width === 0) return [[]];
  return values.flatMap((value) => rowsOf(values, width - 1).map((rest) => [value].concat(rest)));
}

function compare(way: readonly SortDirection[], left: readonly unknown[], right: readonly unknown[]): number {
  for (const [i, value] of right.entries()) {
    const difference = rank(left[i]) - rank(value);
    if (difference !== 0) return way[i] === 'asc' ? difference : -difference;
  }
  return 0;
}

function matches(conjunction: Conjunction, row: readonly unknown[]): boolean {
  return conjunction.every(({ column, operator, value }) => {
    const difference = rank(row[column]) - rank(value);
    if (operator === '=') return difference === 0;
    if (operator === '<') return difference < 0;
    if (operator === '<=') return difference <= 0;
    return operator === '>' ? difference > 0 : difference >= 0;
  });
}

function expectExactSelection(
  way: readonly SortDirection[],
  values: readonly unknown[],
  lower: KeyBound | undefined,
  upper: KeyBound | undefined,
) {
  const inside = (row: readonly unknown[]) => {
    const below = lower ? compare(way, row, lower.values) : 1;
    const above = upper ? compare(way, row, upper.values) : -1;
    return (
      (below > 0 || (below === 0 && lower?.inclusive === true)) &&
      (above < 0 || (above === 0 && upper?.inclusive === true))
    );
  };
  const rows = rowsOf(values, way.length).toSorted((left, right) => compare(way, left, right));
  const conjunctions = intervalConjunctions(way, { lower, upper });
  const read = conjunctions.flatMap((conjunction) => rows.filter((row) => matches(conjunction, row)));
  const expected = rows.filter(inside);
  expect(read).toHaveLength(expected.length);
  expect(read.map((row) => row.map(rank))).toEqual(expected.map((row) => row.map(rank)));
}

describe('intervalConjunctions', () => {
  it('select exactly the rows of the interval, each once, in order', () => {
    fc.assert(
      fc.property(
        directions.chain((way) =>
          fc.tuple(fc.constant(way), bound(way.length, fc.nat(3)), bound(way.length, fc.nat(3))),
        ),
        ([way, lower, upper]) => expectExactSelection(way, [0, 1, 2, 3], lower, upper),
      ),
      { numRuns: 1000 },
    );
  });

  it('do so in a collation in which different texts are equal', () => {
    fc.assert(
      fc.property(
        directions.chain((way) =>
          fc.tuple(fc.constant(way), bound(way.length, texts), bound(way.length, texts)),
        ),
        ([way, lower, upper]) => expectExactSelection(way, ['a', 'b', 'c'], lower, upper),
      ),
      { numRuns: 1000 },
    );
  });

  it('have the common prefix of the bounds as equality, so that they read no other groups', () => {
    const conjunctions = intervalConjunctions(['asc', 'desc'], {
      lower: { values: [1, 9], inclusive: true },
      upper: { values: [1, 4], inclusive: true },
    });
    expect(conjunctions).toEqual([
      [
        { column: 0, operator: '=', value: 1 },
        { column: 1, operator: '<=', value: 9 },
        { column: 1, operator: '>=', value: 4 },
      ],
    ]);
  });

  it('treat one instant with two UTC offsets as equal', () => {
    const at = (text: string) => new DatabaseTimestamp(text, new Date(parseTimestamp(text)));
    const conjunctionsOf = (left: string, right: string) =>
      intervalConjunctions(['asc', 'asc'], {
        lower: { values: [at(left), 1], inclusive: true },
        upper: { values: [at(right), 2], inclusive: true },
      });
    expect(conjunctionsOf('2020-01-01 00:00:00.00012+00', '2020-01-01 05:30:00.000120+05:30')).toHaveLength(
      1,
    );
    expect(conjunctionsOf('2020-01-01 00:00:00.00012+00', '2020-01-01 05:30:00.000121+05:30')).toHaveLength(
      3,
    );
  });
});
