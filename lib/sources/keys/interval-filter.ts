import { toFilterValue } from './key-codec.js';
import { type Conjunction, type KeyComparison, intervalConjunctions } from './interval-conjunctions.js';
import type { KeyInterval } from './key-interval.js';
import type { SortKey } from './sort-key.js';
import { mergeFilters, nestedFilter, type PlainFilter } from '../plain-filter.js';

const OPERATORS = { '=': '$eq', '<': '$lt', '<=': '$lte', '>': '$gt', '>=': '$gte' } as const;

/**
 * A MikroORM filter for the rows of an interval; `undefined` if the interval is open at both ends.
 *
 * @param toOperand Converts a key value to an operand of the filter.
 *
 * @internal
 */
export function intervalFilter(
  sortKeys: readonly SortKey[],
  interval: KeyInterval,
  toOperand: (value: unknown) => unknown = toFilterValue,
): PlainFilter | undefined {
  const conjunctions = intervalConjunctions(
    sortKeys.map(({ direction }) => direction),
    interval,
  );
  const [only] = conjunctions;
  if (conjunctions.length === 1 && only)
    return only.length === 0 ? undefined : conjunctionFilter(sortKeys, only, toOperand);
  // Redundant, but gives an ordered range scan to databases that do not combine the scans of an OR in order.
  const leading = conjunctionFilter(sortKeys, leadingColumnRange(sortKeys, interval), toOperand);
  return {
    ...leading,
    $or: conjunctions.map((conjunction) => conjunctionFilter(sortKeys, conjunction, toOperand)),
  };
}

/** The range of the first sort column that encloses the interval. */
function leadingColumnRange([sortKey]: readonly SortKey[], { lower, upper }: KeyInterval): Conjunction {
  const ascending = sortKey?.direction === 'asc';
  const at = (operator: KeyComparison['operator'], value: unknown) => ({ column: 0, operator, value });
  return [
    ...(lower ? [at(ascending ? '>=' : '<=', lower.values[0])] : []),
    ...(upper ? [at(ascending ? '<=' : '>=', upper.values[0])] : []),
  ];
}

function conjunctionFilter(
  sortKeys: readonly SortKey[],
  conjunction: Conjunction,
  toOperand: (value: unknown) => unknown,
): PlainFilter {
  const byColumn = new Map<number, Record<string, unknown>>();
  // An object has one operand for each operator: a second comparison with the same operator goes into `$and`.
  const repeated: PlainFilter[] = [];
  for (const { column, operator, value } of conjunction) {
    const name = OPERATORS[operator];
    const known = byColumn.get(column) ?? {};
    if (name in known) repeated.push(nestedFilter(pathOf(sortKeys, column), { [name]: toOperand(value) }));
    else byColumn.set(column, { ...known, [name]: toOperand(value) });
  }
  const filters = [...byColumn].map(([column, condition]) =>
    nestedFilter(
      pathOf(sortKeys, column),
      '$eq' in condition && Object.keys(condition).length === 1 ? condition['$eq'] : condition,
    ),
  );
  const merged = filters.reduce<PlainFilter>(mergeFilters, {});
  return repeated.length === 0 ? merged : { ...merged, $and: repeated };
}

function pathOf(sortKeys: readonly SortKey[], column: number): string {
  return sortKeys[column]?.path ?? '';
}
