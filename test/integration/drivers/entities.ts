import { BigIntType, EntitySchema } from '@mikro-orm/core';

/** A row with a key of its own, one that is unique, and others that are not. */
export class Entry {
  id!: number;
  code!: string;
  at!: Date;
  shard!: string;
  hidden!: boolean;
  state!: string;
  touches!: number;
}

/** Keyed by a UUID. */
export class Token {
  id!: string;
  touches!: number;
}

/** Keyed by an integer of 64 bits. */
export class Wide {
  id!: bigint;
  touches!: number;
}

/** What differs in the tables of a driver. */
export interface EntityTraits {
  /** MongoDB wants this one for every key. */
  readonly keyField?: '_id';
  /** Digits of a second that a column of times keeps. */
  readonly timeDigits?: 3 | 6;
}

/** The entities of the suite; one has a filter that is on by default. */
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
  return [entry, token, wide] as EntitySchema[];
}

/** Entries with ids from 1 on, some of which share their time. */
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
