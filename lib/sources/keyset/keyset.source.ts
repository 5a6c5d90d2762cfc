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
import { checkExactKeys } from '../keys/check-exact-integers.js';
import { entityValue, readableValue } from '../keys/key-codec.js';
import type { KeyQuery, KeyReader, KeyValues } from '../keys/key-reader.js';
import { keyReaderFor } from '../sql/select-key-reader.js';
import { keyObject, planned, readBounds, readKey, readRange, writeBounds, writeKey } from './keyset-codec.js';
import { intervalFilter } from '../keys/interval-filter.js';
import { nested, type PlainFilter } from '../plain-filter.js';
import type { KeyInterval } from '../keys/key-interval.js';
import type { KeysetColumns, KeysetLayout } from './keyset-order.js';
import { describeOrder, type OrderColumn } from '../keys/sort-key.js';
import { parsePlace } from './parse-bound.js';
import type { KeysetRange } from '../ranges.js';
import { rowKey, rowKeysFilter } from '../keys/row-keys.js';
import { runQuery } from '../run-query.js';
import type { SourceScope } from '../source-scope.js';

/** What one call needs to read keys. */
interface Walk extends KeysetColumns {
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
    private readonly layout: KeysetLayout,
    private readonly readerFor = keyReaderFor,
  ) {}

  prepare(context: SourceContext): void {
    this.scope.check(context);
    this.walk(context);
  }

  async countLeft(context: SourceContext): Promise<number | null> {
    return this.scope.countLeft(context);
  }

  async open(context: SourceContext, { from, to }: OpenRequest): Promise<SourceOpening> {
    const walk = this.walk(context);
    const interval = {
      lower: parsePlace(this.scope, context, walk, 'from', from),
      upper: parsePlace(this.scope, context, walk, 'to', to),
    };
    const partitions: SourcePartition[] = [];
    const total = { rows: 0, exact: true };
    for (const name of this.scope.partitions) {
      const bounds = await this.bounds(context, walk, name, interval);
      partitions.push({ name, bounds: bounds?.bounds ?? null });
      total.rows += bounds?.rows ?? 0;
      total.exact &&= bounds?.exact ?? true;
    }
    return { partitions, total };
  }

  async plan(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    const bounds = readBounds(request.bounds);
    if (!bounds) return { ranges: [], cursor: request.cursor, exhausted: true };
    const walk = this.walk(context);
    this.scope.checkOrder(context, bounds.order, describeOrder(walk.columns));
    const query = walk.query(request.partition, {
      lower:
        request.cursor === null
          ? { values: bounds.first, inclusive: true }
          : { values: readKey(request.cursor), inclusive: false },
      upper: { values: bounds.last, inclusive: true },
    });
    const { batchSize, limit } = request;
    const batches = await runQuery(context, () => walk.reader.batches(context, query, batchSize, limit));
    await this.check(
      context,
      walk,
      batches.flatMap(({ first, last }) => [first, last]),
    );
    const last = batches.at(-1);
    const cursor = last ? writeKey(last.last) : request.cursor;
    const full = batches.length === limit && last?.rows === batchSize;
    return {
      ranges: batches.map((batch) => planned(batch, walk.appended)),
      cursor,
      exhausted: !full || JSON.stringify(cursor) === JSON.stringify(writeKey(bounds.last)),
    };
  }

  toRange(data: JsonValue, index: number, partition: string): KeysetRange<Entity> {
    const { first, last, appended } = readRange(data);
    const order = this.layout.order(appended);
    return {
      index,
      ...(partition === '' ? {} : { partition }),
      first: keyObject(order, first, entityValue),
      last: keyObject(order, last, entityValue),
      where: this.filter(data, partition) as FilterQuery<Entity>,
    };
  }

  async load(context: SourceContext, data: JsonValue, partition: string): Promise<Entity[]> {
    const order = this.layout.order(readRange(data).appended);
    return this.rows(context, this.filter(data, partition), order);
  }

  keyOf(row: Entity): JsonValue {
    return rowKey(row);
  }

  async loadKeys(context: SourceContext, keys: readonly JsonValue[], partition: string): Promise<Entity[]> {
    const meta = this.scope.metadata(context);
    const { columns } = this.walk(context);
    const filter = this.scope.filter(partition, rowKeysFilter(meta, keys));
    return this.rows(context, filter, columns);
  }

  async split(context: SourceContext, data: JsonValue, partition: string): Promise<PlannedRange[]> {
    const { first, last } = readRange(data);
    const walk = this.walk(context);
    const query = walk.query(partition, {
      lower: { values: first, inclusive: true },
      upper: { values: last, inclusive: true },
    });
    const rows = await runQuery(context, () => this.scope.count(context, this.filter(data, partition)));
    if (rows < 2) return [];
    const halves = await runQuery(context, () => walk.reader.batches(context, query, Math.ceil(rows / 2), 2));
    return halves.length < 2 ? [] : halves.map((batch) => planned(batch, walk.appended));
  }

  describe(data: JsonValue): JsonValue {
    const { first, last, appended } = readRange(data);
    const order = this.layout.order(appended);
    return {
      first: keyObject(order, first, readableValue) as JsonValue,
      last: keyObject(order, last, readableValue) as JsonValue,
    };
  }

  async inspect(
    context: SourceContext,
    opening: SourceOpening,
    batchSize: number,
  ): Promise<SourceInspection> {
    const walk = this.walk(context);
    const totalRanges = opening.partitions.reduce(
      (sum, { bounds }) => sum + Math.ceil((readBounds(bounds)?.rows ?? 0) / batchSize),
      0,
    );
    const [partition] = opening.partitions;
    const query = walk.query(partition?.name ?? '', {});
    const indexed = await runQuery(context, () => walk.reader.hasIndex(context, query));
    return { totalRanges, warnings: indexed === false ? [this.noIndex(walk)] : [] };
  }

  private walk(context: SourceContext): Walk {
    const meta = this.scope.metadata(context);
    const reader = this.readerFor(context.em, meta);
    const resolved = this.layout.resolve(context, meta, reader);
    return {
      ...resolved,
      reader,
      query: (partition, interval) => {
        this.scope.checkPartition(context, partition);
        return { scope: this.scope, partition, columns: resolved.columns, interval };
      },
    };
  }

  private async bounds(context: SourceContext, walk: Walk, partition: string, interval: KeyInterval) {
    const query = walk.query(partition, interval);
    const edge = (end: 'first' | 'last') => runQuery(context, () => walk.reader.edge(context, query, end));
    const first = await edge('first');
    const last = await edge('last');
    if (!first || !last) return undefined;
    await this.check(context, walk, [first, last]);
    const whole = walk.query(partition, {
      lower: { values: first, inclusive: true },
      upper: { values: last, inclusive: true },
    });
    const total = await runQuery(context, () => walk.reader.total(context, whole));
    return {
      ...total,
      bounds: writeBounds({ first, last, rows: total.rows, order: describeOrder(walk.columns) }),
    };
  }

  private filter(data: JsonValue, partition: string): PlainFilter {
    const { first, last, appended } = readRange(data);
    const stretch = intervalFilter(this.layout.order(appended), {
      lower: { values: first, inclusive: true },
      upper: { values: last, inclusive: true },
    });
    return this.scope.filter(partition, ...(stretch ? [stretch] : []));
  }

  private async rows(
    context: SourceContext,
    filter: PlainFilter,
    order: readonly OrderColumn[],
  ): Promise<Entity[]> {
    const orderBy = order.map(({ path, direction }) => nested(path, direction));
    const rows = await runQuery(context, () => this.scope.find(context, filter, { orderBy }));
    return rows as Entity[];
  }

  private async check(
    context: SourceContext,
    { columns, reader }: Walk,
    keys: readonly KeyValues[],
  ): Promise<void> {
    await checkExactKeys(this.scope, context, columns, reader, keys);
  }

  private noIndex({ columns }: Walk): SourceWarning {
    return {
      code: 'NO_INDEX',
      message:
        `No index gives the order ${describeOrder(columns)}: the database sorts the table again for every cycle. ` +
        'Create an index on these columns, in this order, with these directions or all of them turned round.',
    };
  }
}
