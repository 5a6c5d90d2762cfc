import type { EntityName, Primary } from '@mikro-orm/core';
import type { BackfillSource, UnsuitableSource } from '../backfill-source.js';
import type { IdRange, IdValue } from '../ranges.js';
import type { SourceScopeOptions } from '../source-options.js';
import { SourceScope } from '../source-scope.js';
import { IdRangeSource } from './id-range.source.js';

/**
 * The names of an entity's properties that may be integers.
 *
 * @publicApi
 */
export type IdKey<Entity extends object> = {
  [Key in keyof Entity & string]-?: NonNullable<Entity[Key]> extends IdValue ? Key : never;
}[keyof Entity & string];

/**
 * The type of the ids in an `IdRange`: that of the property `Key`, or of the primary key if `Key` is `never`.
 *
 * @publicApi
 */
export type IdOf<Entity extends object, Key extends string> = [Key] extends [never]
  ? Extract<Primary<Entity>, IdValue>
  : Extract<Entity[Key & keyof Entity], IdValue>;

/**
 * What `idRange` adds to the type of its source where the primary key is not an integer and no other key is named: a
 * text (which may hold UUIDs; a `bigint` mapped as text is named with the option `key`), a time, or a composite key.
 *
 * @publicApi
 */
export type IntegerKeyed<Entity extends object, Key extends string> = [Key] extends [never]
  ? [IntegerOf<Primary<Entity>>] extends [never]
    ? UnsuitableSource<'The primary key is not a number or bigint. Use keyset(...), or name an integer property: idRange(Entity, { key })'>
    : unknown
  : unknown;

/** `never` for a primary key that is no integer; the entity itself is what MikroORM answers for an unknown key. */
type IntegerOf<PrimaryKey> = PrimaryKey extends string
  ? PrimaryKey extends `${bigint}`
    ? PrimaryKey
    : never
  : PrimaryKey extends boolean | Date | Uint8Array | readonly unknown[]
    ? never
    : PrimaryKey;

/**
 * Options of `idRange`.
 *
 * @publicApi
 */
export interface IdRangeOptions<
  Entity extends object,
  Key extends IdKey<Entity> = IdKey<Entity>,
> extends SourceScopeOptions<Entity> {
  /**
   * An integer property without nulls; its column should have an index. Default: the primary key, which has to be a
   * `number` or `bigint`; a `bigint` that is mapped as text has to be named.
   */
  readonly key?: Key;
  /** `desc` starts with the largest id, `asc` with the smallest. Default: `desc`, the newest rows first. */
  readonly direction?: 'asc' | 'desc';
}

/**
 * A source that divides an integer key into ranges of `batchSize` consecutive ids, whether rows with these ids
 * exist or not. Planning needs no queries, so it suits tables with dense ids; use `keyset` for sparse ids and
 * for other keys.
 *
 * Ids may be zero and negative, and above 2^53 if the entity maps them as `bigint` or `string`.
 *
 * A run covers the smallest to the largest matching id at its start: rows that are inserted outside of these
 * bounds later are not part of it, unless it is verified. `from` and `to` of `start` and `preview` are ids, both
 * inclusive, in the source's direction: `start(name, { from: 500 })` covers the ids up to 500, with `direction: 'asc'`
 * from 500 up.
 *
 * The source of an entity whose primary key is a text, a time or composite does not compile with `@Backfill`, unless
 * `key` names another property.
 *
 * @param entity The entity class or schema whose table is read.
 * @param options See `IdRangeOptions`. Default: all rows by primary key, newest first.
 * @throws BackfillSourceError At app start with code `BACKFILL_SOURCE_INVALID` if MikroORM does not know the
 * entity, the key is not a non-null integer property, or a batch or row handler would get entities whose primary key
 * JavaScript does not hold exactly, such as a time. At `start` and `preview` with code
 * `BACKFILL_SOURCE_BOUNDS` for an invalid `from` or `to`. With code `BACKFILL_SOURCE_KEY`, also during a run, if
 * the table has ids that are null or that the key's type cannot represent, or a deployment changed key or direction.
 * @example
 * ```ts
 * @Backfill({ name: 'reencrypt-messages', source: idRange(Message), config: { batchSize: 100 } })
 * export class ReencryptMessages implements RangeHandler {
 *   async processRange({ begin, end }: IdRange<Message, number>, { em }: BackfillContext) { ... }
 * }
 * ```
 * @example
 * ```ts
 * idRange(Message, { key: 'legacyNumber', where: { cipher: 'v1' }, direction: 'asc' })
 * ```
 * @publicApi
 */
export function idRange<Entity extends object, Key extends IdKey<Entity> = never>(
  entity: EntityName<Entity>,
  options: IdRangeOptions<Entity, Key> = {},
): BackfillSource<IdRange<Entity, IdOf<Entity, Key>>, Entity> & IntegerKeyed<Entity, Key> {
  const scope = SourceScope.of(entity, options, 'idRange');
  const source: BackfillSource<IdRange<Entity, IdOf<Entity, Key>>, Entity> = new IdRangeSource(
    scope,
    options.direction ?? 'desc',
    options.key,
  );
  return source as typeof source & IntegerKeyed<Entity, Key>;
}
