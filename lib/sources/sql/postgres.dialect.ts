import { estimateRows, requiresSort } from './postgres-explain.js';
import type { SqlDialect } from './sql-dialect.js';

/** Up to this many rows are counted; above, the planner's estimate does. */
const COUNTED_ROWS = 1_000_000;
/** About what PostgreSQL charges for reading ten million narrow rows: a count beyond it may take minutes. */
const COUNTED_COST = 500_000;

/**
 * Keys as PostgreSQL writes them: whatever precision the column has goes back to it unchanged.
 *
 * @internal
 */
export const postgresDialect: SqlDialect = {
  rowValueComparisons: true,
  exactIntegers: true,

  toText: (expression, { type }) =>
    type === 'bytes' ? `encode(${expression}, 'hex')` : `${expression}::text`,

  isTrue: (text) => text === 'true',

  async estimateRows(em, statements) {
    let [rows, cost] = [0, 0];
    for (const statement of statements) {
      const estimate = await estimateRows(em, statement);
      rows += estimate.rows;
      cost += estimate.cost;
    }
    return rows > COUNTED_ROWS || cost > COUNTED_COST ? { rows, exact: false } : undefined;
  },

  requiresSort,
};
