import { describeValue } from '../../errors/describe-value.js';
import type { JsonValue } from '../backfill-source.js';
import { ContentHash } from '../content-hash.js';
import { itemText } from './item-text.js';

/** What is wrong with an array, in the parts of a `BackfillSourceError`. */
export class ItemsProblem extends Error {
  constructor(
    readonly field: string,
    readonly expected: string,
    readonly received: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(`expected ${expected}, got ${received}`, options);
  }
}

/** A key that an item has of its own. */
type ItemKey = string | number;

/** The key of an object without a key of its own: its index, and what it was when it got the key. */
type IndexKey = { readonly index: number; readonly hash: string };

const KEY_REMEDY = 'Give array the option keyOf, which returns a text or number that no other item has.';

/** An array as a function has returned it, with what identifies its items. */
export class ArrayItems<Item> {
  /** A copy of the list: the app may change its own. */
  readonly items: readonly Item[];
  /** As they were when they were read, because a handler may change an item; `null`: an object that needs its index. */
  private readonly keys: readonly (ItemKey | null)[];
  /** What identifies the content of each item: its key as JSON, or else a hash. */
  private readonly identities: readonly string[];
  private readonly indexes = new Map<unknown, number>();

  constructor(items: readonly Item[], keyOf: ((item: Item) => ItemKey) | undefined) {
    if (!Array.isArray(items)) {
      throw new ItemsProblem('items', 'an array', describeValue(items), 'Return an array from the function.');
    }
    this.items = Array.from(items);
    this.keys = this.items.map((item, index) => ownKey(item, index, keyOf));
    this.identities = this.keys.map((key, index) =>
      key === null ? hashOf(this.items[index], index) : JSON.stringify(key),
    );
    this.keys.forEach((key, index) => {
      if (key !== null && !this.indexes.has(key)) {
        this.indexes.set(key, index);
      }
    });
  }

  /**
   * Identifies the first items and their order, by their keys or else by their content.
   *
   * @throws ItemsProblem where two of them cannot be told apart
   */
  version(length = this.items.length): string {
    const hash = ContentHash.of();
    const seen = new Map<unknown, number>();
    for (const [index, identity] of this.identities.slice(0, length).entries()) {
      const key = this.keys[index] ?? this.items[index];
      const other = seen.get(key);
      if (other !== undefined) {
        const what = typeof key === 'object' ? 'the same object' : `the key ${describeValue(key)}`;
        throw new ItemsProblem(
          `items ${other} and ${index}`,
          'items of different keys',
          `${what} twice`,
          KEY_REMEDY,
        );
      }
      seen.set(key, index);
      hash.add(`${identity.length}:${identity}`);
    }
    return `${length}:${hash.digest()}`;
  }

  /** The key of an item, as it is stored with a failure. */
  keyAt(index: number): JsonValue {
    return this.keys[index] ?? { index, hash: this.identities[index] ?? '' };
  }

  /** The indexes of the items with these keys, in order; `null` where one of them is not there, or is another item. */
  indexesOf(keys: readonly JsonValue[]): number[] | null {
    const indexes = keys.map((key) => this.indexOf(key));
    return indexes.includes(-1) ? null : indexes.toSorted((a, b) => a - b);
  }

  private indexOf(key: JsonValue): number {
    if (!isIndexKey(key)) {
      return this.indexes.get(key) ?? -1;
    }
    const { index, hash } = key;
    return this.keys[index] === null && this.identities[index] === hash ? index : -1;
  }
}

/** The length of the array with this version. */
export function lengthOf(version: string): number {
  return Number(version.split(':')[0]);
}

function ownKey<Item>(
  item: Item,
  index: number,
  keyOf: ((item: Item) => ItemKey) | undefined,
): ItemKey | null {
  const key: unknown = keyOf ? keyOf(item) : item;
  if (typeof key === 'string' || (typeof key === 'number' && Number.isFinite(key))) {
    return key;
  }
  if (keyOf || typeof key !== 'object' || key === null) {
    const expected = keyOf ? 'a text or number from keyOf' : 'an object, a text or a number';
    throw new ItemsProblem(`item ${index}`, expected, describeValue(key), KEY_REMEDY);
  }
  return null;
}

function hashOf(item: unknown, index: number): string {
  try {
    return ContentHash.of(itemText(item)).digest();
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause);
    throw new ItemsProblem(`item ${index}`, 'an object that JSON can represent', received, KEY_REMEDY, {
      cause,
    });
  }
}

function isIndexKey(key: JsonValue): key is IndexKey {
  return typeof key === 'object' && key !== null && 'index' in key;
}
