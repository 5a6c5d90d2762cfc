import type { FilterQuery } from '@mikro-orm/core';
import type { BackfillRange } from './backfill-source.js';

/** The value of an integer key: a `bigint` or `string` where the entity's key is one, else a `number`. */
export type IdValue = number | bigint | string;

/**
 * Ids from `begin` to `end`, both inclusive, `begin <= end` whatever the direction of the walk.
 *
 * @publicApi
 */
export interface IdRange<Entity extends object = object, Id extends IdValue = IdValue> extends BackfillRange {
  readonly begin: Id;
  readonly end: Id;
  /** A MikroORM filter that selects exactly the rows of the range. */
  readonly where: FilterQuery<Entity>;
}

/** Key columns with their values, in the types of the entity. */
export type KeysetKey = Readonly<Record<string, unknown>>;

/**
 * Rows from `first` to `last`, both inclusive, in the order of the walk.
 *
 * @publicApi
 */
export interface KeysetRange<Entity extends object = object> extends BackfillRange {
  readonly first: KeysetKey;
  readonly last: KeysetKey;
  /** A MikroORM filter that selects exactly the rows of the range. */
  readonly where: FilterQuery<Entity>;
}
