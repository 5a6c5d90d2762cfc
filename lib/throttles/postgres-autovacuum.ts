import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readRows } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';

/**
 * Options of {@link postgresAutovacuum}.
 *
 * @publicApi
 */
export interface AutovacuumOptions extends ThrottleOptions {
  /** The table, with its schema where that is not in the `search_path`, such as `sales.orders`. */
  readonly table: string;
  /** The pressure, above 0 and up to 1, while the table is vacuumed. Default 0.5. */
  readonly pressure?: number;
}

/**
 * Slows down while PostgreSQL vacuums the table of the backfill, by autovacuum or a `VACUUM`, so that this ends sooner and
 * the space of old rows is used again. A role that is no superuser needs `pg_monitor`.
 *
 * @throws RangeError unless `pressure` is above 0 and at most 1
 * @publicApi
 */
export function postgresAutovacuum({ table, pressure = 0.5, ...rest }: AutovacuumOptions): BackfillThrottle {
  if (!(pressure > 0 && pressure <= 1)) {
    throw new RangeError(
      `Expected the pressure of an autovacuum to be above 0 and at most 1, got ${pressure}`,
    );
  }
  const literal = `'${table.replaceAll("'", "''")}'`;
  return thresholdThrottle({
    ...rest,
    name: 'postgres-autovacuum',
    throttleAt: 0,
    stopAt: 1,
    read: async ({ em }) => {
      const [row] = await readRows(
        em,
        `select to_regclass(${literal}) is not null as present, exists (
           select from pg_stat_progress_vacuum v join pg_class c on v.relid in (c.oid, c.reltoastrelid)
           where v.datname = current_database() and c.oid = to_regclass(${literal})) as vacuumed`,
      );
      if (row?.['present'] !== true) {
        throw new TypeError(
          `Expected a table for the throttle postgres-autovacuum, got ${JSON.stringify(table)}`,
        );
      }
      return row['vacuumed'] === true ? pressure : 0;
    },
    reason: (value) => (value > 0 ? `vacuum of ${table}` : `no vacuum of ${table}`),
  });
}
