import type { EntityManager } from '@mikro-orm/core';

/** The SQL side of an entity manager, as MikroORM 6 and 7 both have it. */
export interface SqlManager {
  execute(sql: string): Promise<Array<Record<string, unknown>>>;
  createQueryBuilder(entity: unknown, alias: string): SqlBuilder;
}

interface SqlBuilder {
  select(fields: unknown, distinct?: boolean): SqlBuilder;
  where(filter: unknown): SqlBuilder;
  andWhere(sql: string, values: readonly unknown[]): SqlBuilder;
  applyFilters(filters: unknown): Promise<void>;
  getQuery(): string;
  getFormattedQuery(): string;
}

/** The databases whose SQL is known here. MariaDB counts as MySQL. */
export type SqlFamily = 'postgresql' | 'mysql' | 'sqlite';

/**
 * The entity manager as one that speaks SQL, or `undefined`.
 *
 * @internal
 */
export function asSqlManager(em: EntityManager): SqlManager | undefined {
  const manager = em as unknown as Partial<SqlManager>;
  const speaks = typeof manager.createQueryBuilder === 'function' && typeof manager.execute === 'function';
  return speaks ? (manager as SqlManager) : undefined;
}

/**
 * Which SQL an entity manager speaks, where it is known here. Told by what it can do, since no driver's
 * package must be imported here.
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
  // Of all platforms, only that of SQLite keeps a date as a number.
  return platform.processDateProperty(new Date(0)) === 0 ? 'sqlite' : undefined;
}

/** The entity manager as one that speaks PostgreSQL, or `undefined`. */
export function asPostgresManager(em: EntityManager): SqlManager | undefined {
  return sqlFamily(em) === 'postgresql' ? asSqlManager(em) : undefined;
}
