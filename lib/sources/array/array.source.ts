import { randomBytes } from 'node:crypto';
import { BackfillSourceError, type BackfillSourceErrorCode } from '../../errors/backfill-source.error.js';
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
import { ArrayItems, ItemsProblem, lengthOf } from './array-items.js';

/** Indexes as stored in Redis, both inclusive. A `type`, because an interface is not assignable to `JsonValue`. */
type Indexes = Opened & {
  readonly begin: number;
  readonly end: number;
};

/** The array that a run was started with. */
type Opened = {
  readonly version: string;
  /** Differs from run to run: with `keyOf`, the version is the same where the content of items has changed. */
  readonly opening: string;
};

const ENTITY = 'its array';

/** The array of a run, as this process has read it. */
interface KnownItems<Item> {
  readonly opening: string;
  readonly read: Promise<ArrayItems<Item>>;
}

/**
 * The source that `array` returns.
 *
 * @internal
 */
export class ArraySource<Item> implements BackfillSource<ArrayRange, Item> {
  /** Not `array`: custom sources have that kind, as the sample's has, and store other bounds. */
  readonly kind = 'array-items';
  /** That of the run that this process works on. */
  private known: KnownItems<Item> | undefined;
  /** Where each object is that was handed out. */
  private readonly places = new WeakMap<object, { readonly index: number; readonly of: ArrayItems<Item> }>();

  constructor(
    private readonly items: () => readonly Item[] | Promise<readonly Item[]>,
    private readonly itemKey: ((item: Item) => string | number) | undefined,
  ) {}

  walk(): Record<string, string> {
    return { items: this.itemKey ? 'by keyOf' : 'by their content' };
  }

  async open({ backfill }: SourceContext, { from, to }: OpenRequest): Promise<SourceOpening> {
    const version = await this.checked(backfill, 'BACKFILL_SOURCE_INVALID', async () =>
      (await this.read()).version(),
    );
    const begin = this.parseIndex(backfill, 'from', from) ?? 0;
    const requested = this.parseIndex(backfill, 'to', to) ?? Infinity;
    if (begin > requested) {
      throw this.boundsError(backfill, 'from', `an index up to "to" (${requested})`, from);
    }
    const end = Math.min(lengthOf(version) - 1, requested);
    const rows = Math.max(0, end - begin + 1);
    const opening = randomBytes(6).toString('base64url');
    const bounds = rows === 0 ? null : { begin, end, version, opening };
    return { partitions: [{ name: '', bounds }], total: { rows, exact: true } };
  }

  async plan(
    { backfill }: SourceContext,
    { bounds, cursor, batchSize, limit }: PlanRequest,
  ): Promise<SourcePlan> {
    if (bounds === null) {
      return { ranges: [], cursor, exhausted: true };
    }
    const { begin, end, ...opened } = bounds as Indexes;
    await this.itemsOf(backfill, opened);
    const ranges: PlannedRange[] = [];
    let next = (cursor as number | null) ?? begin;
    while (next <= end && ranges.length < limit) {
      const last = Math.min(end, next + batchSize - 1);
      ranges.push(planned({ begin: next, end: last, ...opened }));
      next = last + 1;
    }
    return { ranges, cursor: next, exhausted: next > end };
  }

  toRange(data: JsonValue, index: number): ArrayRange {
    const { begin, end } = data as Indexes;
    return { index, begin, end };
  }

  async load({ backfill }: SourceContext, data: JsonValue): Promise<Item[]> {
    const { begin, end, ...opened } = data as Indexes;
    const all = await this.itemsOf(backfill, opened);
    return all.items.slice(begin, end + 1).map((item, i) => this.remembered(item, begin + i, all));
  }

  keyOf(item: Item): JsonValue {
    const value: unknown = item;
    if (typeof value !== 'object' || value === null) {
      return this.itemKey ? this.itemKey(item) : (value as JsonValue);
    }
    const found = this.places.get(value);
    if (!found) {
      throw new Error('expected an item that array has loaded');
    }
    return found.of.keyAt(found.index);
  }

  async loadKeys({ backfill }: SourceContext, keys: readonly JsonValue[]): Promise<Item[]> {
    return this.checked(backfill, 'BACKFILL_SOURCE_CHANGED', async () => {
      const known = await this.known?.read;
      const all = known?.indexesOf(keys) ? known : await this.read();
      const indexes = all.indexesOf(keys);
      if (!indexes) {
        throw this.changed(backfill);
      }
      return indexes.map((index) => this.remembered(all.items[index] as Item, index, all));
    });
  }

  async split(_: SourceContext, data: JsonValue): Promise<PlannedRange[]> {
    const { begin, end, ...opened } = data as Indexes;
    const middle = Math.floor((begin + end) / 2);
    return begin === end
      ? [planned({ begin, end, ...opened })]
      : [planned({ begin, end: middle, ...opened }), planned({ begin: middle + 1, end, ...opened })];
  }

  describe(data: JsonValue): JsonValue {
    const { begin, end } = data as Indexes;
    return { begin, end };
  }

  /** The array that the run was started with: the function is called once for a run, and again where that has failed. */
  private async itemsOf(backfill: string, { version, opening }: Opened): Promise<ArrayItems<Item>> {
    if (this.known?.opening === opening) {
      return this.known.read;
    }
    const read = this.checked(backfill, 'BACKFILL_SOURCE_CHANGED', () => this.readVersion(backfill, version));
    // Ranges that are loaded at the same time share a read.
    const known = { opening, read };
    this.known = known;
    read.catch(() => {
      this.known = this.known === known ? undefined : this.known;
    });
    return read;
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
    const items: unknown = this.items;
    if (typeof items !== 'function') {
      const remedy = 'Write array(() => items).';
      throw new ItemsProblem('items', 'a function that returns an array', describeValue(items), remedy);
    }
    return new ArrayItems(await this.items(), this.itemKey);
  }

  private remembered(item: Item, index: number, of: ArrayItems<Item>): Item {
    if (typeof item === 'object' && item !== null) {
      this.places.set(item, { index, of });
    }
    return item;
  }

  /** @param code of the error where the array is not valid: during a run, it has changed */
  private async checked<T>(
    backfill: string,
    code: BackfillSourceErrorCode,
    read: () => Promise<T>,
  ): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      if (!(cause instanceof ItemsProblem)) {
        throw cause;
      }
      const { field, expected, received, remedy } = cause;
      throw new BackfillSourceError(
        { code, backfill, entity: ENTITY, field, expected, received, remedy },
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
