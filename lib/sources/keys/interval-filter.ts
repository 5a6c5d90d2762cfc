import { filterValue } from './key-codec.js';
import { type KeyBranch, type KeyComparison, intervalBranches } from './interval-conjunctions.js';
import type { KeyInterval } from './key-interval.js';
import type { OrderColumn } from './sort-key.js';
import { merge, nested, type PlainFilter } from '../plain-filter.js';

const OPERATORS = { '=': '$eq', '<': '$lt', '<=': '$lte', '>': '$gt', '>=': '$gte' } as const;

/**
 * A MikroORM filter for the rows of an interval, or `undefined` for an interval that is open on both ends.
 *
 * @internal
 */
export function intervalFilter(
  columns: readonly OrderColumn[],
  interval: KeyInterval,
  toFilter: (value: unknown) => unknown = filterValue,
): PlainFilter | undefined {
  const branches = intervalBranches(
    columns.map(({ direction }) => direction),
    interval,
  );
  const [only] = branches;
  if (branches.length === 1 && only)
    return only.length === 0 ? undefined : branchFilter(columns, only, toFilter);
  // Redundant, but it lets a database walk one stretch of the index in order where it cannot join several.
  const hull = branchFilter(columns, leading(columns, interval), toFilter);
  return { ...hull, $or: branches.map((branch) => branchFilter(columns, branch, toFilter)) };
}

function leading([column]: readonly OrderColumn[], { lower, upper }: KeyInterval): KeyBranch {
  const ascending = column?.direction === 'asc';
  const at = (operator: KeyComparison['operator'], value: unknown) => ({ column: 0, operator, value });
  return [
    ...(lower ? [at(ascending ? '>=' : '<=', lower.values[0])] : []),
    ...(upper ? [at(ascending ? '<=' : '>=', upper.values[0])] : []),
  ];
}

function branchFilter(
  columns: readonly OrderColumn[],
  branch: KeyBranch,
  toFilter: (value: unknown) => unknown,
): PlainFilter {
  const byColumn = new Map<number, Record<string, unknown>>();
  const beside: PlainFilter[] = [];
  for (const { column, operator, value } of branch) {
    const name = OPERATORS[operator];
    const known = byColumn.get(column) ?? {};
    if (name in known) beside.push(nested(columns[column]?.path ?? '', { [name]: toFilter(value) }));
    else byColumn.set(column, { ...known, [name]: toFilter(value) });
  }
  const filters = [...byColumn].map(([column, condition]) =>
    nested(
      columns[column]?.path ?? '',
      '$eq' in condition && size(condition) === 1 ? condition['$eq'] : condition,
    ),
  );
  const merged = filters.reduce<PlainFilter>(merge, {});
  return beside.length === 0 ? merged : { ...merged, $and: beside };
}

function size(object: object): number {
  return Object.keys(object).length;
}
