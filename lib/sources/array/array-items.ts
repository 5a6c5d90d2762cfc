import { describeValue } from '../../errors/describe-value.js';
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

const KEY_REMEDY = 'Give array the option keyOf, which returns a text or number that no other item has.';

/** An array as a function has returned it, with what identifies its items. */
export class ArrayItems<Item> {
  /** A copy of the list: the app may change its own. */
  readonly items: readonly Item[];
  /** What identifies each item, as it was when it was read: a handler may change it. */
  private readonly identities: readonly string[];

  constructor(
    items: readonly Item[],
    private readonly keyOf: ((item: Item) => string | number) | undefined,
  ) {
    if (!Array.isArray(items)) {
      throw new ItemsProblem('items', 'an array', describeValue(items), 'Return an array from the function.');
    }
    this.items = Array.from(items);
    this.identities = this.items.map((item, index) => {
      const key = this.naturalKey(item, index);
      return key === null ? ContentHash.of(text(item, index)).digest() : JSON.stringify(key);
    });
  }

  /** Identifies the first items and their order, by their keys or else by their content. */
  version(length = this.items.length): string {
    const hash = ContentHash.of();
    const seen = new Map<unknown, number>();
    for (const [index, item] of this.items.slice(0, length).entries()) {
      const key = this.naturalKey(item, index);
      const other = seen.get(key ?? item);
      if (other !== undefined) {
        const what = key === null ? 'the same object' : `the key ${describeValue(key)}`;
        throw new ItemsProblem(
          `items ${other} and ${index}`,
          'items of different keys',
          `${what} twice`,
          KEY_REMEDY,
        );
      }
      seen.set(key ?? item, index);
      const identity = this.identities[index] ?? '';
      hash.add(`${identity.length}:${identity}`);
    }
    return `${length}:${hash.digest()}`;
  }

  /** The key of an item that has one of its own; `null` for an object that needs its index. */
  naturalKey(item: Item, index: number): string | number | null {
    const key: unknown = this.keyOf ? this.keyOf(item) : item;
    if (typeof key === 'string' || (typeof key === 'number' && Number.isFinite(key))) {
      return key;
    }
    if (this.keyOf || typeof key !== 'object' || key === null) {
      const received = describeValue(key);
      const expected = this.keyOf ? 'a text or number from keyOf' : 'an object, a text or a number';
      throw new ItemsProblem(`item ${index}`, expected, received, KEY_REMEDY);
    }
    return null;
  }

  /** Identifies the content of an object without a key of its own; `undefined` where there is no such item. */
  hashOf(index: number): string | undefined {
    return this.identities[index];
  }
}

function text(item: unknown, index: number): string {
  try {
    return itemText(item);
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause);
    throw new ItemsProblem(`item ${index}`, 'an object that JSON can represent', received, KEY_REMEDY, {
      cause,
    });
  }
}
