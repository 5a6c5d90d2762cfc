import { type EntityManager, raw } from '@mikro-orm/core';
import { toFilterValue } from '../keys/key-codec.js';
import type { SourceScope } from '../source-scope.js';
import type { SqlManager } from './sql-manager.js';

/** The table's name within the queries of a source. */
const ALIAS = 'walked';

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

/** A column of the walked table, quoted. */
export function quoteColumn(em: EntityManager, column: string): string {
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
    if (condition) builder.andWhere(condition.sql, condition.values.map(toFilterValue));
    // Not the builder itself: in MikroORM 6 it is a thenable, so that an async function would run it.
    return { statement: builder.getFormattedQuery(), joins: / join /i.test(builder.getQuery()) };
  };
  const { statement, joins } = await build(false);
  // A filter through a to-many relation would list a row once for each of its matches.
  return joins ? (await build(true)).statement : statement;
}
