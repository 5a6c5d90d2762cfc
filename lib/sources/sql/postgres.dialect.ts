import { estimateRows, requiresSort } from './postgres-explain.js';
import { DatabaseTimestamp, hasUtcOffset } from '../keys/database-timestamp.js';
import { columnTime, type SqlDialect } from './sql-dialect.js';

/** Up to this many rows are counted; more are estimated from the statistics of `EXPLAIN`. */
const MAX_COUNTED_ROWS = 1_000_000;
/** Planner cost units, about a scan of ten million narrow rows: beyond it a count may take minutes. */
const MAX_COUNTED_COST = 500_000;

/**
 * PostgreSQL.
 *
 * @internal
 */
export const postgresDialect: SqlDialect = {
  rowValueComparisons: true,
  exactIntegers: true,
  arrays: true,

  toText: (expression, { type }) =>
    type === 'bytes' ? `encode(${expression}, 'hex')` : `${expression}::text`,

  isTrue: (text) => text === 'true',

  /** PostgreSQL drops an offset that the column does not store, and takes a missing one from the session. */
  normalize(em, { columnType }, value) {
    if (!/^timestamp/i.test(columnType)) return value;
    const storesOffset = /^timestamptz|with time zone/i.test(columnType);
    if (typeof value === 'string') return storesOffset && !hasUtcOffset(value) ? inUtc(value) : value;
    const time = value instanceof Date ? new DatabaseTimestamp(value.toISOString(), value) : value;
    if (!(time instanceof DatabaseTimestamp)) return value;
    if (storesOffset)
      return hasUtcOffset(time.text) ? time : new DatabaseTimestamp(inUtc(time.text), time.date);
    return hasUtcOffset(time.text) ? columnTime(em, time) : time;
  },

  selectColumn(em, { schema, name }, column) {
    const platform = em.getPlatform();
    const table = [...(schema === undefined ? [] : [schema]), name].map((part) =>
      platform.quoteIdentifier(part),
    );
    return platform.formatQuery(
      'select attnotnull::int as not_null, atttypid::regtype::text as type from pg_attribute ' +
        'where attrelid = to_regclass(?) and attname = ? and attnum > 0 and not attisdropped',
      [table.join('.'), column],
    );
  },

  async estimateRows(em, statements) {
    let [rows, cost] = [0, 0];
    for (const statement of statements) {
      const estimate = await estimateRows(em, statement);
      rows += estimate.rows;
      cost += estimate.cost;
    }
    return rows > MAX_COUNTED_ROWS || cost > MAX_COUNTED_COST ? { rows, exact: false } : undefined;
  },

  requiresSort,
};

/** A text without an offset, with that of UTC. */
function inUtc(text: string): string {
  return /\d:\d/.test(text) ? `${text}Z` : `${text} 00:00:00Z`;
}
