import type { EntityManager } from '@mikro-orm/core';
import { DatabaseTimestamp, hasUtcOffset } from '../keys/database-timestamp.js';
import type { SqlDialect } from './sql-dialect.js';

/**
 * Keys as MariaDB and MySQL write them, times with their microseconds. Row comparisons read an index from
 * its beginning there.
 *
 * @internal
 */
export const mysqlDialect: SqlDialect = {
  rowValueComparisons: false,
  exactIntegers: true,

  toText(expression, { type, integer }) {
    if (type === 'bytes') return `hex(${expression})`;
    return type === 'date' || integer ? `cast(${expression} as char)` : expression;
  },

  isTrue: (text) => text !== '0' && text !== 'false',

  normalize: (em, { type }, value) =>
    type === 'date' && value instanceof DatabaseTimestamp && hasUtcOffset(value.text)
      ? toLocalTimestamp(em, value)
      : value,

  unsupportedReason: ({ columnType }) =>
    /^(?:enum|set)\b/i.test(columnType)
      ? {
          received: `a column of type ${columnType}, which is sorted by the position of a value and compared by its text`,
          remedy: 'Order by another column.',
        }
      : undefined,
};

/** Columns have no zone: the text is to stand in the one that MikroORM writes dates in. */
function toLocalTimestamp(em: EntityManager, { text, date }: DatabaseTimestamp): DatabaseTimestamp {
  const [, microseconds = ''] = /\.\d{3}(\d{1,3})/.exec(text) ?? [];
  const written = em.getPlatform().formatQuery('?', [date]).replaceAll("'", '');
  return new DatabaseTimestamp(written + (written.includes('.') ? microseconds : ''), date);
}
