import { BigIntType, EntitySchema } from '@mikro-orm/core';

/** A row with a primary key, a unique column and columns with duplicates. */
export class Entry {
  id!: number;
  code!: string;
  at!: Date;
  shard!: string;
  hidden!: boolean;
  state!: string;
  touches!: number;
}

/** Its primary key is a UUID. */
export class Token {
  id!: string;
  touches!: number;
}

/** Its primary key is a 64-bit integer. */
export class Wide {
  id!: bigint;
  touches!: number;
}

/** Its table does not keep what it declares: see `looseTable`. */
export class Loose {
  id!: number;
  shard!: string;
  name!: string;
}

/** Its primary key is a time. */
export class Moment {
  id!: Date;
  name!: string;
  touches!: number;
}

/** Differences between the drivers' tables. */
export interface EntityTraits {
  /** Field of the primary key; MongoDB requires `_id`. */
  readonly keyField?: '_id';
  /** Fractional digits of a second in timestamp columns. */
  readonly timeDigits?: 3 | 6;
}

/** The entities of the suite; `Entry` has a filter that is enabled by default. */
export function driverEntities({ keyField, timeDigits }: EntityTraits): EntitySchema[] {
  const key = {
    primary: true,
    autoincrement: false,
    unsigned: false,
    ...(keyField ? { fieldName: keyField } : {}),
  } as const;
  const touches = { type: 'integer', default: 0 } as const;
  const entry = new EntitySchema<Entry>({
    class: Entry,
    tableName: 'entries',
    filters: { visible: { name: 'visible', cond: { hidden: false }, default: true } },
    properties: {
      id: { type: 'integer', ...key },
      code: { type: 'string', unique: true },
      at: { type: 'datetime', ...(timeDigits ? { length: timeDigits } : {}) },
      shard: { type: 'string' },
      hidden: { type: 'boolean', default: false },
      state: { type: 'string', default: 'new' },
      touches,
    },
  });
  const token = new EntitySchema<Token>({
    class: Token,
    tableName: 'tokens',
    properties: { id: { type: 'uuid', ...key }, touches },
  });
  const wide = new EntitySchema<Wide>({
    class: Wide,
    tableName: 'wides',
    properties: { id: { type: new BigIntType('bigint'), ...key }, touches },
  });
  const loose = new EntitySchema<Loose>({
    class: Loose,
    tableName: 'looses',
    properties: { id: { type: 'integer', ...key }, shard: { type: 'string' }, name: { type: 'string' } },
  });
  const moment = new EntitySchema<Moment>({
    class: Moment,
    tableName: 'moments',
    properties: {
      id: { type: 'datetime', ...(timeDigits ? { length: timeDigits } : {}), ...key },
      name: { type: 'string', unique: true },
      touches,
    },
  });
  return [entry, token, wide, loose, moment] as EntitySchema[];
}

/** Creates the table of `Loose` anew with nullable columns, for SQL databases. */
export const looseTable = [
  'drop table looses',
  'create table looses (id int primary key, shard varchar(50), name varchar(50))',
];

/** Entries with ids from 1; four consecutive ones have the same `at`. */
export function rowsOf(count: number): Array<Partial<Entry>> {
  return Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    code: `c${i + 1}`,
    at: new Date(Date.UTC(2020, 0, 1) + Math.floor(i / 4)),
    shard: 'eu',
    hidden: false,
    state: 'new',
    touches: 0,
  }));
}
