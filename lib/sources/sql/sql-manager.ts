import type { EntityManager, LockMode } from '@mikro-orm/core';

/** The methods that the entity managers of SQL drivers have in MikroORM 6 and 7. */
export interface SqlManager {
  execute(sql: string): Promise<Array<Record<string, unknown>>>;
  createQueryBuilder(entity: unknown, alias: string): SqlBuilder;
}

interface SqlBuilder {
  select(fields: unknown, distinct?: boolean): SqlBuilder;
  where(filter: unknown): SqlBuilder;
  andWhere(sql: string, values: readonly unknown[]): SqlBuilder;
  applyFilters(filters: unknown): Promise<void>;
  applyJoinedFilters(em: unknown, filters: unknown): Promise<void>;
  orderBy(order: unknown): SqlBuilder;
  setLockMode(mode: LockMode): SqlBuilder;
  getQuery(): string;
  getFormattedQuery(): string;
}

/** SQL databases with a dialect here; `mysql` includes MariaDB, `sqlite` includes libSQL. */
export type SqlFamily = 'postgresql' | 'mysql' | 'sqlite';

/**
 * The entity manager if its driver is an SQL driver, otherwise `undefined`.
 *
 * @internal
 */
export function asSqlManager(em: EntityManager): SqlManager | undefined {
  const manager = em as unknown as Partial<SqlManager>;
  const isSql = typeof manager.createQueryBuilder === 'function' && typeof manager.execute === 'function';
  return isSql ? (manager as SqlManager) : undefined;
}

/**
 * The database of an entity manager, if it has a dialect here. Detected by behavior, because the driver
 * packages are optional and must not be imported.
 *
 * @internal
 */
export function sqlFamily(em: EntityManager): SqlFamily | undefined {
  if (!asSqlManager(em)) return undefined;
  const platform = em.getPlatform();
  const connection = em.getConnection() as { getDefaultClientUrl?(): string };
  const url =
    (platform as { getDefaultClientUrl?(): string }).getDefaultClientUrl?.() ??
    connection.getDefaultClientUrl?.() ??
    '';
  if (url.startsWith('postgres')) return 'postgresql';
  if (url.startsWith('mysql') || url.startsWith('mariadb')) return 'mysql';
  // SQLite's platform is the only one that stores a date as a number.
  return platform.processDateProperty(new Date(0)) === 0 ? 'sqlite' : undefined;
}

/** The entity manager if its database is PostgreSQL, otherwise `undefined`. */
export function asPostgresManager(em: EntityManager): SqlManager | undefined {
  return sqlFamily(em) === 'postgresql' ? asSqlManager(em) : undefined;
}
