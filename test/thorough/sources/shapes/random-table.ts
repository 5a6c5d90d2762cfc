import { EntitySchema, raw } from '@mikro-orm/core';
import fc from 'fast-check';
import { COLUMN_KINDS, type ColumnKind } from './column-kinds.js';

/** A value of a column: an index of its kind's values, or null where the column allows it. */
type Cell = number | null;

interface ColumnShape {
  readonly kind: ColumnKind;
  /** Whether the column has nulls in the database. */
  readonly holdsNull: boolean;
  /** Whether the entity says so. */
  readonly declaresNull: boolean;
}

export type WhereShape = 'none' | 'group' | 'raw' | 'not null' | 'filter';
export type UniqueShape = 'none' | 'index' | 'partial' | 'partial by expression';

/** A table, the entity that maps it, and a walk over it. */
export interface TableShape {
  readonly columns: readonly ColumnShape[];
  /** The first so many columns are the primary key. */
  readonly keyColumns: number;
  readonly orderBy: readonly { readonly column: number; readonly direction: 'asc' | 'desc' }[];
  readonly unique: UniqueShape;
  readonly where: WhereShape;
  readonly rows: readonly (readonly Cell[])[];
  readonly batchSize: number;
  readonly limit: number;
}

const column: fc.Arbitrary<ColumnShape> = fc
  .record({
    kind: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...COLUMN_KINDS.filter(({ walkable }) => walkable)) },
      { weight: 1, arbitrary: fc.constantFrom(...COLUMN_KINDS) },
    ),
    holdsNull: fc.boolean(),
    differs: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  })
  .map(({ kind, holdsNull, differs }) => ({
    kind,
    holdsNull,
    declaresNull: differs ? !holdsNull : holdsNull,
  }));

export const tableShape: fc.Arbitrary<TableShape> = fc
  .record({
    columns: fc.array(column, { minLength: 2, maxLength: 4 }),
    keyColumns: fc.integer({ min: 1, max: 2 }),
    orderBy: fc.uniqueArray(
      fc.record({ column: fc.nat({ max: 3 }), direction: fc.constantFrom('asc' as const, 'desc' as const) }),
      { minLength: 1, maxLength: 3, selector: ({ column: index }) => index },
    ),
    unique: fc.constantFrom<UniqueShape>('none', 'none', 'index', 'partial', 'partial by expression'),
    where: fc.constantFrom<WhereShape>('none', 'group', 'raw', 'not null', 'filter'),
    rows: fc.array(fc.array(fc.option(fc.nat({ max: 19 }), { freq: 6 }), { minLength: 4, maxLength: 4 }), {
      maxLength: 30,
      size: 'max',
    }),
    batchSize: fc.integer({ min: 1, max: 6 }),
    limit: fc.integer({ min: 1, max: 4 }),
  })
  .map((shape) => withKeys(shape));

/** The key columns hold no null, and no column is ordered by twice. */
function withKeys(shape: TableShape): TableShape {
  const { columns, keyColumns, orderBy } = shape;
  return {
    ...shape,
    columns: columns.map((one, i) =>
      i < keyColumns ? { ...one, holdsNull: false, declaresNull: false } : one,
    ),
    orderBy: orderBy
      .map(({ column: index, direction }) => ({ column: index % columns.length, direction }))
      .filter(isFirst),
  };
}

function isFirst<T extends { column: number }>(key: T, at: number, all: readonly T[]): boolean {
  return all.findIndex(({ column: index }) => index === key.column) === at;
}

/** The statements that create the table and its rows. `n` identifies a row, whatever its key is. */
export function statements({ columns, keyColumns, unique, rows }: TableShape, table: string): string {
  const names = columns.map((_, i) => `c${i}`);
  const definitions = columns.map(
    ({ kind, holdsNull }, i) => `c${i} ${kind.sql} ${holdsNull ? '' : 'NOT NULL'}`,
  );
  const inserts = rows.map((cells, n) => {
    const values = columns.map(({ kind, holdsNull }, i) => {
      const cell = cells[i] ?? null;
      return cell === null && holdsNull ? 'NULL' : kind.values[(cell ?? 0) % kind.values.length];
    });
    return `INSERT INTO ${table} VALUES (${n}, ${n % 3}, ${values.join(', ')}) ON CONFLICT DO NOTHING`;
  });
  const last = names.at(-1);
  return [
    `CREATE TABLE ${table} (n int NOT NULL, grp int NOT NULL, ${definitions.join(', ')}, PRIMARY KEY (${names.slice(0, keyColumns).join(', ')}))`,
    ...(unique === 'index' ? [`CREATE UNIQUE INDEX ON ${table} (${last})`] : []),
    ...(unique.startsWith('partial') ? [`CREATE UNIQUE INDEX ON ${table} (${last}) WHERE grp = 1`] : []),
    ...inserts,
  ].join(';\n');
}

/** The entity as an app would declare it. */
export function entityOf({ columns, keyColumns, unique }: TableShape, table: string): EntitySchema {
  const properties = Object.fromEntries(
    columns.map(({ kind, declaresNull }, i) => [
      `c${i}`,
      {
        ...kind.property,
        fieldName: `c${i}`,
        nullable: declaresNull,
        primary: i < keyColumns,
      },
    ]),
  );
  const last = `c${columns.length - 1}`;
  const uniques = {
    none: [],
    index: [{ properties: last }],
    partial: [{ properties: last, where: 'grp = 1' }],
    'partial by expression': [
      { properties: last, expression: `create unique index on ${table} (${last}) where grp = 1` },
    ],
  }[unique];
  return new EntitySchema({
    name: table,
    tableName: table,
    uniques,
    filters: { second: { name: 'second', cond: { grp: 2 }, default: false } },
    properties: { n: { type: 'integer' }, grp: { type: 'integer' }, ...properties },
  } as never);
}

/** The condition of a walk as an app writes it, and in SQL. */
export function whereOf({ where, orderBy }: TableShape): {
  readonly where?: object | (() => object);
  readonly filters?: Record<string, boolean>;
  readonly sql: string;
} {
  const names = orderBy.map(({ column: index }) => `c${index}`);
  switch (where) {
    case 'none':
      return { sql: 'true' };
    case 'group':
      return { where: { grp: { $in: [0, 2] } }, sql: 'grp IN (0, 2)' };
    case 'raw':
      return { where: () => ({ [raw('grp <> 1')]: [] }), sql: 'grp <> 1' };
    case 'not null':
      return {
        where: Object.fromEntries(names.map((name) => [name, { $ne: null }])),
        sql: names.map((name) => `${name} IS NOT NULL`).join(' AND '),
      };
    case 'filter':
      return { filters: { second: true }, sql: 'grp = 2' };
    default:
      return where satisfies never;
  }
}

/** The shape in words, for the message of a failure. */
export function describeShape(shape: TableShape): string {
  const { columns, keyColumns, orderBy, unique, where, batchSize, limit } = shape;
  return [
    ...columns.map(
      ({ kind, holdsNull, declaresNull }, i) =>
        `c${i}: ${kind.name}${holdsNull ? ', has nulls' : ''}${declaresNull ? ', nullable' : ''}${i < keyColumns ? ', key' : ''}`,
    ),
    `order by ${orderBy.map(({ column: index, direction }) => `c${index} ${direction}`).join(', ')}`,
    `unique: ${unique}, where: ${where}, batches of ${batchSize}, ${limit} a cycle`,
  ].join('; ');
}
