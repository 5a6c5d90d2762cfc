import { BackfillSourceError } from '../../errors/backfill-source.error.js';
import { describeValue } from '../../errors/describe-value.js';
import type {
  BackfillSource,
  JsonValue,
  OpenRequest,
  PlannedRange,
  PlanRequest,
  SourceContext,
  SourceOpening,
  SourcePlan,
} from '../backfill-source.js';
import type { ArrayRange } from '../ranges.js';
import { ArrayItems, ItemsProblem } from './array-items.js';

/** Indexes as stored in Redis, both inclusive. A `type`, because an interface is not assignable to `JsonValue`. */
type Indexes = {
  readonly begin: number;
  readonly end: number;
  /** The version of the array that the run was started with. */
  readonly version: string;
};

const ENTITY = 'its array';

/** The key of an object without a key of its own: its index, and what it was when it got the key. */
type IndexKey = { readonly index: number; readonly hash: string };

/** An array that was read, by its version. */
interface KnownItems<Item> {
  readonly version: string;
  readonly read: Promise<ArrayItems<Item>>;
}

/**
 * The source that `array` returns.
 *
 * @internal
 */
export class ArraySource<Item> implements BackfillSource<ArrayRange, Item> {
  readonly kind = 'array';
  /** The array of the run that this process works on: the function is called once for a run, and again where it differs. */
  private known: KnownItems<Item> | undefined;
  private readonly indexes = new WeakMap<object, { readonly index: number; readonly of: ArrayItems<Item> }>();

  constructor(
    private readonly items: () => readonly Item[] | Promise<readonly Item[]>,
    private readonly itemKey: ((item: Item) => string | number) | undefined,
  ) {}

  walk(): Record<string, string> {
    return { items: this.itemKey ? 'by keyOf' : 'by their content' };
  }

  async open({ backfill }: SourceContext, { from, to }: OpenRequest): Promise<SourceOpening> {
    const version = await this.checked(backfill, async () => (await this.read()).version());
    const begin = this.parseIndex(backfill, 'from', from) ?? 0;
    const requested = this.parseIndex(backfill, 'to', to) ?? Infinity;
    if (begin > requested) {
      throw this.boundsError(backfill, 'from', `an index up to "to" (${requested})`, from);
    }
    const end = Math.min(lengthOf(version) - 1, requested);
    const rows = Math.max(0, end - begin + 1);
    const bounds = rows === 0 ? null : { begin, end, version };
    return { partitions: [{ name: '', bounds }], total: { rows, exact: true } };
  }

  async plan(
    { backfill }: SourceContext,
    { bounds, cursor, batchSize, limit }: PlanRequest,
  ): Promise<SourcePlan> {
    if (bounds === null) {
      return { ranges: [], cursor, exhausted: true };
    }
    const { begin, end, version } = bounds as Indexes;
    await this.itemsOf(backfill, version);
    const ranges: PlannedRange[] = [];
    let next = (cursor as number | null) ?? begin;
    while (next <= end && ranges.length < limit) {
      const last = Math.min(end, next + batchSize - 1);
      ranges.push(planned({ begin: next, end: last, version }));
      next = last + 1;
    }
    return { ranges, cursor: next, exhausted: next > end };
  }

  toRange(data: JsonValue, index: number): ArrayRange {
    const { begin, end } = data as Indexes;
    return { index, begin, end };
  }

  async load({ backfill }: SourceContext, data: JsonValue): Promise<Item[]> {
    const { begin, end, version } = data as Indexes;
    const all = await this.itemsOf(backfill, version);
    const items = all.items.slice(begin, end + 1);
    items.forEach((item, i) => this.remember(item, begin + i, all));
    return items;
  }

  keyOf(item: Item): JsonValue {
    if (this.itemKey) {
      return this.itemKey(item);
    }
    if (typeof item !== 'object' || item === null) {
      return item as JsonValue;
    }
    const found = this.indexes.get(item);
    if (!found) {
      throw new Error('expected an item that array has loaded');
    }
    return { index: found.index, hash: found.of.hashOf(found.index) ?? '' };
  }

  async loadKeys({ backfill }: SourceContext, keys: readonly JsonValue[]): Promise<Item[]> {
    return this.checked(backfill, async () => {
      const indexKeys = keys.filter((key) => isIndexKey(key));
      const fits = (items: ArrayItems<Item>) =>
        indexKeys.every(({ index, hash }) => items.hashOf(index) === hash);
      const known = await this.known?.read;
      const all = known && fits(known) ? known : await this.read();
      if (!fits(all)) {
        throw this.changed(backfill);
      }
      const indexes = new Set(indexKeys.map(({ index }) => index));
      const natural = new Set(keys);
      return all.items.filter((item, index) => {
        const key = all.naturalKey(item, index);
        const wanted = key === null ? indexes.has(index) : natural.has(key);
        if (wanted) {
          this.remember(item, index, all);
        }
        return wanted;
      });
    });
  }

  async split(_: SourceContext, data: JsonValue): Promise<PlannedRange[]> {
    const { begin, end, version } = data as Indexes;
    const middle = Math.floor((begin + end) / 2);
    return begin === end
      ? [planned({ begin, end, version })]
      : [planned({ begin, end: middle, version }), planned({ begin: middle + 1, end, version })];
  }

  describe(data: JsonValue): JsonValue {
    const { begin, end } = data as Indexes;
    return { begin, end };
  }

  /** The array that the run was started with: the one that was read last, or one that is read now. */
  private async itemsOf(backfill: string, version: string): Promise<ArrayItems<Item>> {
    if (this.known?.version !== version) {
      const read = this.checked(backfill, () => this.readVersion(backfill, version));
      const known = { version, read };
      this.known = known;
      // Ranges that are loaded at the same time share a read; one that has failed is tried again.
      read.catch(() => {
        this.known = this.known === known ? undefined : this.known;
      });
    }
    return this.known.read;
  }

  private async readVersion(backfill: string, version: string): Promise<ArrayItems<Item>> {
    const items = await this.read();
    const length = lengthOf(version);
    // Items that were appended since are not part of the run.
    if (items.items.length < length || items.version(length) !== version) {
      throw this.changed(backfill);
    }
    return items;
  }

  private async read(): Promise<ArrayItems<Item>> {
    return new ArrayItems(await this.items(), this.itemKey);
  }

  private remember(item: Item, index: number, of: ArrayItems<Item>): void {
    if (typeof item === 'object' && item !== null) {
      this.indexes.set(item, { index, of });
    }
  }

  private async checked<T>(backfill: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      if (!(cause instanceof ItemsProblem)) {
        throw cause;
      }
      const { field, expected, received, remedy } = cause;
      throw new BackfillSourceError(
        { backfill, entity: ENTITY, field, expected, received, remedy },
        { cause },
      );
    }
  }

  private changed(backfill: string): BackfillSourceError {
    return new BackfillSourceError({
      code: 'BACKFILL_SOURCE_CHANGED',
      backfill,
      entity: ENTITY,
      field: 'items',
      expected: 'the items that the run was started with, in their order',
      received: 'others',
      remedy:
        'Deploy the array as it was, then resume; or cancel the run and start another. Items may be appended; with keyOf, ' +
        'only their keys are compared.',
    });
  }

  private parseIndex(backfill: string, field: 'from' | 'to', value: unknown): number | undefined {
    const index = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    if (index === undefined) {
      return undefined;
    }
    if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) {
      throw this.boundsError(backfill, field, 'an index from 0', value);
    }
    return index;
  }

  private boundsError(backfill: string, field: string, expected: string, got: unknown): BackfillSourceError {
    return new BackfillSourceError({
      code: 'BACKFILL_SOURCE_BOUNDS',
      backfill,
      entity: ENTITY,
      field,
      expected,
      received: describeValue(got),
      remedy: 'Give indexes of the array, both inclusive.',
    });
  }
}

function planned(data: Indexes): PlannedRange {
  return { data, rows: data.end - data.begin + 1 };
}

function lengthOf(version: string): number {
  return Number(version.split(':')[0]);
}

function isIndexKey(key: JsonValue): key is IndexKey {
  return typeof key === 'object' && key !== null && 'index' in key;
}
