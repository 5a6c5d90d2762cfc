import type { EntityManager } from '@mikro-orm/core';
import { DatabaseTimestamp } from '../keys/database-timestamp.js';
import { parseDateText, type SqlDialect } from './sql-dialect.js';

/**
 * Keys as SQLite keeps them. A date is a number of milliseconds where MikroORM wrote it and text where
 * SQLite's own functions did; both go back as they stand.
 *
 * @internal
 */
export const sqliteDialect: SqlDialect = {
  rowValueComparisons: false,
  // Its drivers read every integer as a number, whatever the entity makes of it.
  exactIntegers: false,

  toText: (expression, { type }) => (type === 'bytes' ? `hex(${expression})` : `cast(${expression} as text)`),

  isTrue: (text) => text !== '0',
  parseDate,

  normalize(_em, { type }, value) {
    if (type !== 'date') return value;
    const date = value instanceof DatabaseTimestamp ? value.date : value;
    return date instanceof Date ? new DatabaseTimestamp(String(date.getTime()), date) : value;
  },
};

function parseDate(em: EntityManager, text: string): Date {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? new Date(Number(text)) : parseDateText(em, text);
}
