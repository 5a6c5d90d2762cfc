import type { FilterQuery } from '@mikro-orm/core';
import type {
  BackfillSource,
  JsonValue,
  OpenRequest,
  PlannedRange,
  PlanRequest,
  SourceContext,
  SourceInspection,
  SourceOpening,
  SourcePartition,
  SourcePlan,
  SourceWarning,
} from '../backfill-source.js';
import { checkExactIntegers } from '../keys/check-exact-integers.js';
import { toEntityValue, toReadableValue } from '../keys/key-codec.js';
import type { KeyQuery, KeyReader, KeyValues } from '../keys/key-reader.js';
import { selectKeyReader } from '../sql/select-key-reader.js';
import {
  keyObject,
  toPlannedRange,
  decodeBounds,
  decodeKey,
  decodeRange,
  encodeBounds,
  encodeKey,
} from './keyset-codec.js';
import { intervalFilter } from '../keys/interval-filter.js';
import { nestedFilter, type PlainFilter } from '../plain-filter.js';
import type { KeyInterval } from '../keys/key-interval.js';
import type { ResolvedOrder, KeysetOrder } from './keyset-order.js';
import { describeOrder, type SortKey } from '../keys/sort-key.js';
import { parseBound } from './parse-bound.js';
import type { KeysetRange } from '../ranges.js';
import { rowKey, rowKeysFilter } from '../keys/row-keys.js';
import { runQuery } from '../run-query.js';
import type { SourceScope } from '../source-scope.js';

/** What one call needs to read keys. */
interface KeysetScan extends ResolvedOrder {
  readonly reader: KeyReader;
  query(partition: string, interval: KeyInterval): KeyQuery;
}

/**
 * Walks a table in the order of an index, in ranges of exactly so many rows: see `keyset`.
 *
 * @internal
 */
export class KeysetSource<Entity extends object> implements BackfillSource<KeysetRange<Entity>, Entity> {
  readonly kind = 'keyset';

  constructor(
    private readonly scope: SourceScope,
    private readonly order: KeysetOrder,
    private readonly selectReader = selectKeyReader,
  ) {}

  prepare(context: SourceContext): void {
    this.scope.check(context);
    this.scan(context);
  }

  async countLeft(context: SourceContext): Promise<number | null> {
    return this.scope.countLeft(context);
  }

  async open(context: SourceContext, { from, to }: OpenRequest): Promise<SourceOpening> {
    const scan = this.scan(context);
    const interval = {
      lower: parseBound(this.scope, context, scan, 'from', from),
      upper: parseBound(this.scope, context, scan, 'to', to),
    };
    const partitions: SourcePartition[] = [];
    const total = { rows: 0, exact: true };
    for (const name of this.scope.partitions) {
      const bounds = await this.bounds(context, scan, name, interval);
      partitions.push({ name, bounds: bounds?.bounds ?? null });
      total.rows += bounds?.rows ?? 0;
      total.exact &&= bounds?.exact ?? true;
    }
    return { partitions, total };
  }

  async plan(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    const bounds = decodeBounds(request.bounds);
    if (!bounds) return { ranges: [], cursor: request.cursor, exhausted: true };
    const scan = this.scan(context);
    this.scope.checkOrderUnchanged(context, bounds.order, describeOrder(scan.columns));
    const query = scan.query(request.partition, {
      lower:
        request.cursor === null
          ? { values: bounds.first, inclusive: true }
          : { values: decodeKey(request.cursor), inclusive: false },
      upper: { values: bounds.last, inclusive: true },
    });
    const { batchSize, limit } = request;
    const batches = await runQuery(context, () => scan.reader.batches(context, query, batchSize, limit));
    await this.checkIntegers(
      context,
      scan,
      batches.flatMap(({ first, last }) => [first, last]),
    );
    const last = batches.at(-1);
    const cursor = last ? encodeKey(last.last) : request.cursor;
    const full = batches.length === limit && last?.rows === batchSize;
    return {
      ranges: batches.map((batch) => toPlannedRange(batch, scan.tieBreakers)),
      cursor,
      exhausted: !full || JSON.stringify(cursor) === JSON.stringify(encodeKey(bounds.last)),
    };
  }

  toRange(data: JsonValue, index: number, partition: string): KeysetRange<Entity> {
    const { first, last, tieBreakers } = decodeRange(data);
    const sortKeys = this.order.sortKeys(tieBreakers);
    return {
      index,
      ...(partition === '' ? {} : { partition }),
      first: keyObject(sortKeys, first, toEntityValue),
      last: keyObject(sortKeys, last, toEntityValue),
      where: this.filter(data, partition) as FilterQuery<Entity>,
    };
  }

  async load(context: SourceContext, data: JsonValue, partition: string): Promise<Entity[]> {
    const sortKeys = this.order.sortKeys(decodeRange(data).tieBreakers);
    return this.rows(context, this.filter(data, partition), sortKeys);
  }

  keyOf(row: Entity): JsonValue {
    return rowKey(row);
  }

  async loadKeys(context: SourceContext, keys: readonly JsonValue[], partition: string): Promise<Entity[]> {
    const meta = this.scope.metadata(context);
    const { columns } = this.scan(context);
    const filter = this.scope.filter(partition, rowKeysFilter(meta, keys));
    return this.rows(context, filter, columns);
  }

  async split(context: SourceContext, data: JsonValue, partition: string): Promise<PlannedRange[]> {
    const { first, last } = decodeRange(data);
    const scan = this.scan(context);
    const query = scan.query(partition, {
      lower: { values: first, inclusive: true },
      upper: { values: last, inclusive: true },
    });
    const rows = await runQuery(context, () => this.scope.count(context, this.filter(data, partition)));
    if (rows < 2) return [];
    const halves = await runQuery(context, () => scan.reader.batches(context, query, Math.ceil(rows / 2), 2));
    return halves.length < 2 ? [] : halves.map((batch) => toPlannedRange(batch, scan.tieBreakers));
  }

  describe(data: JsonValue): JsonValue {
    const { first, last, tieBreakers } = decodeRange(data);
    const sortKeys = this.order.sortKeys(tieBreakers);
    return {
      first: keyObject(sortKeys, first, toReadableValue) as JsonValue,
      last: keyObject(sortKeys, last, toReadableValue) as JsonValue,
    };
  }

  async inspect(
    context: SourceContext,
    opening: SourceOpening,
    batchSize: number,
  ): Promise<SourceInspection> {
    const scan = this.scan(context);
    const totalRanges = opening.partitions.reduce(
      (sum, { bounds }) => sum + Math.ceil((decodeBounds(bounds)?.rows ?? 0) / batchSize),
      0,
    );
    const [partition] = opening.partitions;
    const query = scan.query(partition?.name ?? '', {});
    const support = await runQuery(context, () => scan.reader.indexSupport(context, query));
    return { totalRanges, warnings: support === 'not-indexed' ? [this.noIndexWarning(scan)] : [] };
  }

  private scan(context: SourceContext): KeysetScan {
    const meta = this.scope.metadata(context);
    const reader = this.selectReader(context.em, meta);
    const resolved = this.order.resolve(context, meta, reader);
    return {
      ...resolved,
      reader,
      query: (partition, interval) => {
        this.scope.checkPartition(context, partition);
        return { scope: this.scope, partition, columns: resolved.columns, interval };
      },
    };
  }

  private async bounds(context: SourceContext, scan: KeysetScan, partition: string, interval: KeyInterval) {
    const query = scan.query(partition, interval);
    const boundary = (end: 'first' | 'last') =>
      runQuery(context, () => scan.reader.boundary(context, query, end));
    const first = await boundary('first');
    const last = await boundary('last');
    if (!first || !last) return undefined;
    await this.checkIntegers(context, scan, [first, last]);
    const bounded = scan.query(partition, {
      lower: { values: first, inclusive: true },
      upper: { values: last, inclusive: true },
    });
    const total = await runQuery(context, () => scan.reader.total(context, bounded));
    return {
      ...total,
      bounds: encodeBounds({ first, last, rows: total.rows, order: describeOrder(scan.columns) }),
    };
  }

  private filter(data: JsonValue, partition: string): PlainFilter {
    const { first, last, tieBreakers } = decodeRange(data);
    const keys = intervalFilter(this.order.sortKeys(tieBreakers), {
      lower: { values: first, inclusive: true },
      upper: { values: last, inclusive: true },
    });
    return this.scope.filter(partition, ...(keys ? [keys] : []));
  }

  private async rows(
    context: SourceContext,
    filter: PlainFilter,
    sortKeys: readonly SortKey[],
  ): Promise<Entity[]> {
    const orderBy = sortKeys.map(({ path, direction }) => nestedFilter(path, direction));
    const rows = await runQuery(context, () => this.scope.find(context, filter, { orderBy }));
    return rows as Entity[];
  }

  private async checkIntegers(
    context: SourceContext,
    { columns, reader }: KeysetScan,
    keys: readonly KeyValues[],
  ): Promise<void> {
    await checkExactIntegers(this.scope, context, columns, reader, keys);
  }

  private noIndexWarning({ columns }: KeysetScan): SourceWarning {
    return {
      code: 'NO_INDEX',
      message:
        `No index gives the order ${describeOrder(columns)}: the database sorts the table again for every cycle. ` +
        'Create an index on these columns, in this order, with these directions or all of them turned round.',
    };
  }
}
