import type { BackfillSource } from '../backfill-source.js';
import type { ArrayRange } from '../ranges.js';
import { ArraySource } from './array.source.js';

/**
 * Options of `array`.
 *
 * @typeParam Item What batch and row handlers get.
 * @publicApi
 */
export interface ArrayOptions<Item> {
  /**
   * What identifies an item: a text or number that no other item has. It is stored with a failure, and compared instead of
   * the content, which may then change during a run. Default: a text or number is its own key; an object is identified by
   * its index and its content as JSON.
   */
  readonly keyOf?: (item: Item) => string | number;
}

/**
 * A source of items that are in memory: a list of countries or tenants, the keys of a bucket, a small JSON file. Batch and
 * row handlers get the items; range handlers get an `ArrayRange`, which has indexes.
 *
 * The function is called when a run starts, and once for a run in each process that works on it; the process keeps what
 * it has returned. It has to return the same items in the same order in all of them until the run ends, and while its
 * failures are retried. Redis holds indexes and a hash: where the array is another one, the run is paused with
 * `BACKFILL_SOURCE_CHANGED`, before a wrong item is processed. Items may be appended; they are part of the next run. For
 * more items than fit into memory implement `BackfillSource`.
 *
 * Handlers are given the items themselves, not copies, and should not change them. `from` and `to` of `start` and
 * `preview` are indexes from 0, both inclusive.
 *
 * @param items returns the items
 * @param options See `ArrayOptions`. Default: items are compared by their content.
 * @throws BackfillSourceError At `start` and `preview` with code `BACKFILL_SOURCE_INVALID` where two items have the same
 * key or are the same object, or an item has no key, and with `BACKFILL_SOURCE_BOUNDS` for an invalid `from` or `to`.
 * During a run with `BACKFILL_SOURCE_CHANGED`.
 * @example
 * ```ts
 * @Backfill({ source: array(() => COUNTRIES, { keyOf: ({ code }) => code }), config: { batchSize: 10 } })
 * export class PrefetchTariffs implements RowHandler<Country> {
 *   async processRow({ code }: Country, { signal }: BackfillContext) { ... }
 * }
 * ```
 * @publicApi
 */
export function array<Item>(
  items: () => readonly Item[] | Promise<readonly Item[]>,
  { keyOf }: ArrayOptions<Item> = {},
): BackfillSource<ArrayRange, Item> {
  return new ArraySource(items, keyOf);
}
