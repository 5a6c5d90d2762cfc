import type { EntityManager } from '@mikro-orm/core';
import { DatabaseTime, hasOffset } from '../keys/database-time.js';
import type { SqlDialect } from './sql-dialect.js';

/**
 * Keys as MariaDB and MySQL write them, times with their microseconds. Row comparisons read an index from
 * its beginning there.
 *
 * @internal
 */
export const mysqlDialect: SqlDialect = {
  rowComparisons: false,
  exactIntegers: true,

  text(expression, { kind, integer }) {
    if (kind === 'bytes') return `hex(${expression})`;
    return kind === 'date' || integer ? `cast(${expression} as char)` : expression;
  },

  isTrue: (text) => text !== '0' && text !== 'false',

  adopt: (em, { kind }, value) =>
    kind === 'date' && value instanceof DatabaseTime && hasOffset(value.text) ? zoneless(em, value) : value,

  refuse: ({ columnType }) =>
    /^(?:enum|set)\b/i.test(columnType)
      ? {
          received: `a column of type ${columnType}, which is sorted by the position of a value and compared by its text`,
          remedy: 'Order by another column.',
        }
      : undefined,
};

/** Columns have no zone: the text is to stand in the one that MikroORM writes dates in. */
function zoneless(em: EntityManager, { text, date }: DatabaseTime): DatabaseTime {
  const [, beyond = ''] = /\.\d{3}(\d{1,3})/.exec(text) ?? [];
  const written = em.getPlatform().formatQuery('?', [date]).replaceAll("'", '');
  return new DatabaseTime(written + (written.includes('.') ? beyond : ''), date);
}
