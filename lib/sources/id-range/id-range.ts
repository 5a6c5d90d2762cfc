import type { EntityName, Primary } from '@mikro-orm/core';
import type { BackfillSource } from '../backfill-source.js';
import { IdRangeSource } from './id-range.source.js';
import type { SortDirection } from '../keys/sort-key.js';
import type { IdRange, IdValue } from '../ranges.js';
import { SourceScope } from '../source-scope.js';
import type { SourceScopeOptions } from '../source-options.js';

/**
 * Properties of an entity that may hold integers.
 *
 * @publicApi
 */
export type IdKey<Entity extends object> = {
  [Key in keyof Entity & string]-?: NonNullable<Entity[Key]> extends IdValue ? Key : never;
}[keyof Entity & string];

/**
 * The type of the ids that a range handler is given: that of the key.
 *
 * @publicApi
 */
export type IdOf<Entity extends object, Key extends string> = [Key] extends [never]
  ? Extract<Primary<Entity>, IdValue>
  : Extract<Entity[Key & keyof Entity], IdValue>;

/**
 * How a table is walked by an integer key.
 *
 * @publicApi
 */
export interface IdRangeOptions<
  Entity extends object,
  Key extends IdKey<Entity> = IdKey<Entity>,
> extends SourceScopeOptions<Entity> {
  /** An integer property without nulls; an index should lead to it. Default: the primary key. */
  readonly key?: Key;
  /** `desc` walks from the newest id down, `asc` from the oldest up. Default: `desc`. */
  readonly direction?: SortDirection;
}

/**
 * Walks a table in equal strides of an integer key, from the newest id down: a range is `batchSize` ids,
 * whether they exist or not. Planning reads nothing, so this suits tables whose ids are dense; see
 * `keyset` for the others. Ids may be 0, negative, and past 2^53 where the entity maps them as `bigint` or
 * `string`. The bounds are taken at the start of a run: rows that are inserted beyond them later are not
 * part of it.
 *
 * `from` and `to` of a start are ids, both inclusive, in the order of the walk: `start(name, { from: 500 })`
 * touches 500 and below, unless `direction` is `asc`.
 *
 * @example
 * source: idRange(Message)
 * @example
 * source: idRange(Message, { key: 'legacyNumber', where: { cipher: 'v1' }, direction: 'asc' })
 * @publicApi
 */
export function idRange<Entity extends object, Key extends IdKey<Entity> = never>(
  entity: EntityName<Entity>,
  options: IdRangeOptions<Entity, Key> = {},
): BackfillSource<IdRange<Entity, IdOf<Entity, Key>>, Entity> {
  const scope = SourceScope.of(entity, options, 'idRange');
  return new IdRangeSource(scope, options.direction ?? 'desc', options.key);
}
