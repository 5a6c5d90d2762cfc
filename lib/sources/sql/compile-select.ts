import { type EntityManager, raw } from '@mikro-orm/core';
import { toFilterValue } from '../keys/key-codec.js';
import { isEmptyFilter } from '../plain-filter.js';
import type { SourceScope } from '../source-scope.js';
import type { SqlManager } from './sql-manager.js';

/** Alias of the entity's table in the statements. */
const ALIAS = 'source';

/** An SQL condition with a `?` for each value. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** The expressions to select from the rows of a partition that match a condition. */
export interface SqlSelection {
  readonly scope: SourceScope;
  readonly partition: string;
  readonly expressions: readonly string[];
  readonly condition?: SqlCondition | undefined;
}

/** A column of the entity's table, quoted and qualified with the alias. */
export function quoteColumn(em: EntityManager, column: string): string {
  const platform = em.getPlatform();
  return `${platform.quoteIdentifier(ALIAS)}.${platform.quoteIdentifier(column)}`;
}

/**
 * Compiles a SELECT with MikroORM's query builder, so that all of the app's filters apply. Its values are
 * inlined, and it ends with its conditions: the caller may append ORDER BY and LIMIT.
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
    // Not by `Object.keys`: the keys of raw SQL fragments are symbols.
    if (!isEmptyFilter(filter)) builder.where(filter);
    await builder.applyFilters(scope.filters ?? {});
    // As `em.find` does: where a filter of the source compares a relation, the filters of the related entity apply.
    await builder.applyJoinedFilters(em, scope.filters ?? {});
    if (condition) builder.andWhere(condition.sql, condition.values.map(toFilterValue));
    // Returns strings, not the builder: in MikroORM 6 it is a thenable, which `await` would execute.
    return { statement: builder.getFormattedQuery(), joins: / join /i.test(builder.getQuery()) };
  };
  const { statement, joins } = await build(false);
  // A filter on a to-many relation joins it, which repeats a row for each match: DISTINCT removes the copies.
  return joins ? (await build(true)).statement : statement;
}
