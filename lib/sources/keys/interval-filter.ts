import { toFilterValue } from './key-codec.js';
import { type Conjunction, type KeyComparison, intervalConjunctions } from './interval-conjunctions.js';
import type { KeyInterval } from './key-interval.js';
import type { SortKey } from './sort-key.js';
import { mergeFilters, nestedFilter, type PlainFilter } from '../plain-filter.js';

const OPERATORS = { '=': '$eq', '<': '$lt', '<=': '$lte', '>': '$gt', '>=': '$gte' } as const;

/**
 * A MikroORM filter for the rows of an interval, or `undefined` for an interval that is open on both ends.
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
  // Redundant, but it lets a database walk one stretch of the index in order where it cannot join several.
  const leading = conjunctionFilter(sortKeys, leadingColumnRange(sortKeys, interval), toOperand);
  return {
    ...leading,
    $or: conjunctions.map((conjunction) => conjunctionFilter(sortKeys, conjunction, toOperand)),
  };
}

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
  const duplicates: PlainFilter[] = [];
  for (const { column, operator, value } of conjunction) {
    const name = OPERATORS[operator];
    const known = byColumn.get(column) ?? {};
    if (name in known)
      duplicates.push(nestedFilter(sortKeys[column]?.path ?? '', { [name]: toOperand(value) }));
    else byColumn.set(column, { ...known, [name]: toOperand(value) });
  }
  const filters = [...byColumn].map(([column, condition]) =>
    nestedFilter(
      sortKeys[column]?.path ?? '',
      '$eq' in condition && size(condition) === 1 ? condition['$eq'] : condition,
    ),
  );
  const merged = filters.reduce<PlainFilter>(mergeFilters, {});
  return duplicates.length === 0 ? merged : { ...merged, $and: duplicates };
}

function size(object: object): number {
  return Object.keys(object).length;
}
