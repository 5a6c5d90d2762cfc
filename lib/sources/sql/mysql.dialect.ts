import { DatabaseTimestamp, hasUtcOffset } from '../keys/database-timestamp.js';
import { columnTime, type SqlDialect } from './sql-dialect.js';

/**
 * MySQL and MariaDB.
 *
 * @internal
 */
export const mysqlDialect: SqlDialect = {
  // The optimizer does not use a row-value comparison as a range: it scans the index from its start.
  rowValueComparisons: false,
  exactIntegers: true,
  arrays: false,

  toText(expression, { type, integer }) {
    if (type === 'bytes') return `hex(${expression})`;
    return type === 'date' || integer ? `cast(${expression} as char)` : expression;
  },

  isTrue: (text) => text !== '0' && text !== 'false',

  normalize: (em, { type }, value) =>
    type === 'date' && value instanceof DatabaseTimestamp && hasUtcOffset(value.text)
      ? columnTime(em, value)
      : value,

  selectColumn: (em, { schema, name }, column) =>
    em
      .getPlatform()
      .formatQuery(
        "select is_nullable = 'NO' as not_null, data_type as type from information_schema.columns " +
          'where table_schema = coalesce(?, database()) and table_name = ? and column_name = ?',
        [schema ?? null, name, column],
      ),

  unsupportedReason({ columnType }) {
    if (/^(?:enum|set)\b/i.test(columnType)) {
      return {
        received: `a column of type ${columnType}, which MySQL sorts by the position of a value but compares by its text`,
        remedy: 'Order by another column.',
      };
    }
    return /^float\b/i.test(columnType)
      ? {
          received: `a column of type ${columnType}, whose text MySQL rounds`,
          remedy: 'Order by another column, or change its type to double or decimal.',
        }
      : undefined;
  },
};
