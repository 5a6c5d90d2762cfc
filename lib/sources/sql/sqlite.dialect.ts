import type { EntityManager } from '@mikro-orm/core';
import { DatabaseTime } from '../keys/database-time.js';
import { dateOfText, type SqlDialect } from './sql-dialect.js';

/**
 * Keys as SQLite keeps them. A date is a number of milliseconds where MikroORM wrote it and text where
 * SQLite's own functions did; both go back as they stand.
 *
 * @internal
 */
export const sqliteDialect: SqlDialect = {
  rowComparisons: false,
  // Its drivers read every integer as a number, whatever the entity makes of it.
  exactIntegers: false,

  text: (expression, { kind }) => (kind === 'bytes' ? `hex(${expression})` : `cast(${expression} as text)`),

  isTrue: (text) => text !== '0',
  dateOf,

  adopt(_em, { kind }, value) {
    if (kind !== 'date') return value;
    const date = value instanceof DatabaseTime ? value.date : value;
    return date instanceof Date ? new DatabaseTime(String(date.getTime()), date) : value;
  },
};

function dateOf(em: EntityManager, text: string): Date {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? new Date(Number(text)) : dateOfText(em, text);
}
