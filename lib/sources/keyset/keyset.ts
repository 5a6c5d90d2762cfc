import type { EntityName, FindOptions } from '@mikro-orm/core';
import type { BackfillSource } from '../backfill-source.js';
import { KeysetOrder } from './keyset-order.js';
import { KeysetSource } from './keyset.source.js';
import type { KeysetRange } from '../ranges.js';
import { SourceScope } from '../source-scope.js';
import type { SourceScopeOptions } from '../source-options.js';

/**
 * How a table is walked along an index.
 *
 * @publicApi
 */
export interface KeysetOptions<Entity extends object> extends SourceScopeOptions<Entity> {
  /**
   * The order of the walk, `asc` and `desc` in any mix: columns that cannot be null (or whose nulls `where`
   * leaves out), best those of one index. Unless they contain the primary key or another key that the
   * entity declares as unique, the primary key is appended, in the direction of the last column.
   */
  readonly orderBy: NonNullable<FindOptions<Entity>['orderBy']>;
}

/**
 * Walks a table in the order of an index. A range holds exactly `batchSize` rows that match, however sparse
 * the keys are; numbers, text, UUIDs, dates to the microsecond and composite keys will do. The bounds are
 * taken at the start of a run: rows that are inserted beyond them later are not part of it.
 *
 * On PostgreSQL a cycle is planned from the index alone, by one statement (with mixed directions by one for
 * each stretch of the index, mostly one or two), as fast at the end of a table as at its beginning. On MariaDB,
 * MySQL and SQLite it is one for each stretch. With other drivers the keys of a cycle pass through the process.
 *
 * `from` and `to` of a start are objects with all the keys of the order, or the first few of them, both
 * inclusive: `start(name, { from: { createdAt: '2020-11-11T02:04:11.891Z' } })`.
 *
 * @example
 * source: keyset(Order, { orderBy: { createdAt: 'desc', id: 'desc' }, where: { shape: 1 } })
 * @publicApi
 */
export function keyset<Entity extends object>(
  entity: EntityName<Entity>,
  options: KeysetOptions<Entity>,
): BackfillSource<KeysetRange<Entity>, Entity> {
  const scope = SourceScope.of(entity, options, 'keyset');
  return new KeysetSource<Entity>(scope, new KeysetOrder(scope, options.orderBy));
}
