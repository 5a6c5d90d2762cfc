import type { EntityManager } from '@mikro-orm/core';
import { DatabaseTimestamp } from '../keys/database-timestamp.js';
import { parseDateText, type SqlDialect } from './sql-dialect.js';

/**
 * SQLite and libSQL. A date is stored as epoch milliseconds if MikroORM wrote it, and as text if an SQL
 * function did; keys keep the stored format.
 *
 * @internal
 */
export const sqliteDialect: SqlDialect = {
  rowValueComparisons: false,
  // SQLite drivers read every integer as a JavaScript number, whatever type the entity maps it to.
  exactIntegers: false,
  arrays: false,

  toText(expression, { type }) {
    if (type === 'bytes') return `hex(${expression})`;
    const text = `cast(${expression} as text)`;
    // A cast rounds fractions to 15 digits; `!` allows more, and 17 are exact.
    return type === 'string'
      ? `case typeof(${expression}) when 'real' then printf('%!.17g', ${expression}) else ${text} end`
      : text;
  },

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
