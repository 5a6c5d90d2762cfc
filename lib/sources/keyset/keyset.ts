import type { EntityName, FindOptions } from '@mikro-orm/core';
import type { BackfillSource } from '../backfill-source.js';
import type { KeysetRange } from '../ranges.js';
import type { SourceScopeOptions } from '../source-options.js';
import { SourceScope } from '../source-scope.js';
import { KeysetOrder } from './keyset-order.js';
import { KeysetSource } from './keyset.source.js';

/**
 * Options of `keyset`.
 *
 * @publicApi
 */
export interface KeysetOptions<Entity extends object> extends SourceScopeOptions<Entity> {
  /**
   * The sort keys, with any mix of `asc` and `desc`. Use columns that do not change during a run: a row that moves in
   * the order may be handled twice or not at all. The columns must not be null, or `where` must exclude their nulls; an
   * index on them makes planning fast. Unless they include the primary key or a unique key, the
   * primary key is appended as tie-breaker, in the direction of the last sort key.
   */
  readonly orderBy: NonNullable<FindOptions<Entity>['orderBy']>;
}

/**
 * A source that uses keyset pagination: it reads a table in the order of an index and divides it into ranges of
 * exactly `batchSize` matching rows, however sparse the keys are. Keys may be composite, of numbers, text, UUIDs,
 * booleans, bytes, ObjectIds, and timestamps up to the column's precision.
 *
 * A run covers the first to the last matching row at its start: rows that are inserted outside of these bounds
 * later are not part of it, unless it is verified. `from` and `to` of `start` and `preview` are objects with all sort
 * keys or the first few of them, both inclusive: `start(name, { from: { createdAt: '2020-11-11T02:04:11.891Z' } })`. A
 * time without an offset is in UTC; for a column without a time zone it is the text of the column.
 *
 * Planning costs on PostgreSQL one index-only query per planning cycle, equally fast at the end of a table as at
 * its start; with mixed directions one for each index range scan, usually one or two. MariaDB, MySQL and SQLite
 * also need one for each index range scan. With other drivers, all keys of a cycle are loaded into the process.
 *
 * @param entity The entity class or schema whose table is read.
 * @param options See `KeysetOptions`; `orderBy` is required.
 * @throws BackfillSourceError At app start with code `BACKFILL_SOURCE_INVALID` if MikroORM does not know the
 * entity, `orderBy` is empty or has a column that is nullable or cannot be compared exactly, or a batch or row handler
 * would get entities whose primary key JavaScript does not hold exactly, such as a time. At `start` and `preview` with
 * code `BACKFILL_SOURCE_BOUNDS` for an invalid `from` or `to`, or `from` after `to`. With code `BACKFILL_SOURCE_KEY`,
 * also during a run, if the table has keys that are null or that the entity's types cannot represent, or a deployment
 * changed the order.
 * @example
 * ```ts
 * @Backfill({
 *   name: 'restructure-orders',
 *   source: keyset(Order, { orderBy: { createdAt: 'desc', id: 'desc' }, where: { shape: 1 } }),
 *   config: { batchSize: 100 },
 * })
 * export class RestructureOrders implements BatchHandler<Order> {
 *   async processBatch(orders: Order[], { em }: BackfillContext) { ... }
 * }
 * ```
 * @publicApi
 */
export function keyset<Entity extends object>(
  entity: EntityName<Entity>,
  options: KeysetOptions<Entity>,
): BackfillSource<KeysetRange<Entity>, Entity> {
  const scope = SourceScope.of(entity, options, 'keyset');
  return new KeysetSource<Entity>(scope, new KeysetOrder(scope, options.orderBy));
}
