import { type EntityManager, raw } from '@mikro-orm/core';
import { filterValue } from '../keys/key-codec.js';
import type { SourceScope } from '../source-scope.js';

/** The table's name within the queries of a source. */
export const ALIAS = 'walked';

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

/** A condition on the walked table, with a `?` for each value. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** What to select of a scope's rows. */
export interface SqlSelection {
  readonly scope: SourceScope;
  readonly partition: string;
  readonly expressions: readonly string[];
  readonly condition?: SqlCondition | undefined;
}

/** The databases whose SQL is known here. MariaDB counts as MySQL. */
export type SqlFamily = 'postgresql' | 'mysql' | 'sqlite';

/**
 * The entity manager as one that speaks SQL, or `undefined`.
 *
 * @internal
 */
export function sqlOf(em: EntityManager): SqlManager | undefined {
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
export function sqlFamilyOf(em: EntityManager): SqlFamily | undefined {
  if (!sqlOf(em)) return undefined;
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
export function postgresOf(em: EntityManager): SqlManager | undefined {
  return sqlFamilyOf(em) === 'postgresql' ? sqlOf(em) : undefined;
}

/** A column of the walked table, quoted. */
export function quotedColumn(em: EntityManager, column: string): string {
  const platform = em.getPlatform();
  return `${platform.quoteIdentifier(ALIAS)}.${platform.quoteIdentifier(column)}`;
}

/**
 * Has MikroORM compile the app's filters, and answers the statement with its values in place. Nothing
 * follows its conditions, so that an order and a limit can be appended.
 *
 * @internal
 */
export async function compileSelect(
  em: SqlManager,
  { scope, partition, expressions, condition }: SqlSelection,
): Promise<string> {
  const build = async (distinct: boolean) => {
    const builder = em.createQueryBuilder(scope.entity, ALIAS);
    builder.select(
      expressions.map((expression) => raw(expression)),
      distinct,
    );
    const filter = scope.filter(partition);
    if (Object.keys(filter).length > 0) builder.where(filter);
    await builder.applyFilters(scope.filters ?? {});
    if (condition) builder.andWhere(condition.sql, condition.values.map(filterValue));
    // Not the builder itself: in MikroORM 6 it is a thenable, so that an async function would run it.
    return { statement: builder.getFormattedQuery(), joins: / join /i.test(builder.getQuery()) };
  };
  const { statement, joins } = await build(false);
  // A filter through a to-many relation would list a row once for each of its matches.
  return joins ? (await build(true)).statement : statement;
}
