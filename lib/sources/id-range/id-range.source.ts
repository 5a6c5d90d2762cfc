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
} from '../backfill-source.js';
import { checkExactKeys } from '../keys/check-exact-integers.js';
import { clipSpan, cutStrides, halveIds, type IdSpan, spanLength, startOf } from './id-interval.js';
import {
  type IdBounds,
  idOf,
  readIdBounds,
  readIdRange,
  writeIdBounds,
  writeIdRange,
} from './id-range-codec.js';
import { inspectIds } from './inspect-ids.js';
import { resolveIdKey } from './resolve-id-column.js';
import { parseIdPlaces } from './parse-id-bounds.js';
import type { KeyQuery, KeyReader, WalkColumn } from '../keys/key-reader.js';
import { keyReaderFor } from '../sql/select-key-reader.js';
import { wholeNumber } from '../keys/key-value.js';
import { nested, type PlainFilter } from '../plain-filter.js';
import { describeOrder, type WalkDirection } from '../keys/sort-key.js';
import type { IdRange, IdValue } from '../ranges.js';
import { rowKey, rowKeysFilter } from '../keys/row-keys.js';
import { runQuery } from '../run-query.js';
import type { SourceScope } from '../source-scope.js';

/** What one call needs to know of the key. */
interface IdWalk {
  readonly column: WalkColumn;
  readonly reader: KeyReader;
  /** Whether no two rows share an id. */
  readonly unique: boolean;
  query(partition: string, span: IdSpan | undefined): KeyQuery;
}

/**
 * Walks an integer key in equal strides: see `idRange`.
 *
 * @internal
 */
export class IdRangeSource<Entity extends object, Id extends IdValue> implements BackfillSource<
  IdRange<Entity, Id>,
  Entity
> {
  readonly kind = 'id-range';

  constructor(
    private readonly scope: SourceScope,
    private readonly direction: WalkDirection,
    private readonly key: string | undefined,
    private readonly readerFor = keyReaderFor,
  ) {}

  prepare(context: SourceContext): void {
    this.scope.check(context);
    this.walk(context);
  }

  async countLeft(context: SourceContext): Promise<number | null> {
    return this.scope.countLeft(context);
  }

  async open(context: SourceContext, request: OpenRequest): Promise<SourceOpening> {
    const walk = this.walk(context);
    const { from, to } = parseIdPlaces(this.scope, context, walk.column, request);
    const partitions: SourcePartition[] = [];
    const total = { rows: 0, exact: true };
    for (const name of this.scope.partitions) {
      const table = await this.tableSpan(context, walk, name);
      const span = table && clipSpan(table, this.direction, from, to);
      const bounds = span && (await this.bounds(context, walk, name, span));
      partitions.push({ name, bounds: bounds ? writeIdBounds(bounds) : null });
      total.rows += bounds?.rows ?? 0;
      total.exact &&= bounds?.exact ?? true;
    }
    return { partitions, total };
  }

  async plan(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    this.scope.checkPartition(context, request.partition);
    const bounds = readIdBounds(request.bounds);
    if (!bounds) return { ranges: [], cursor: request.cursor, exhausted: true };
    const { column } = this.walk(context);
    this.scope.checkOrder(context, bounds.order, describeOrder([column]));
    const from = wholeNumber(request.cursor) ?? startOf(bounds, this.direction);
    const cut = cutStrides(bounds, bounds.rows, this.direction, from, request.batchSize, request.limit);
    return {
      ranges: cut.strides.map(({ begin, end, rows }) => ({
        data: this.write(column, { low: begin, high: end }),
        rows,
      })),
      cursor: cut.cursor.toString(),
      exhausted: cut.exhausted,
    };
  }

  toRange(data: JsonValue, index: number, partition: string): IdRange<Entity, Id> {
    const { low, high, type } = readIdRange(data);
    return {
      index,
      ...(partition === '' ? {} : { partition }),
      begin: idOf(low, type) as Id,
      end: idOf(high, type) as Id,
      where: this.filter(data, partition) as FilterQuery<Entity>,
    };
  }

  async load(context: SourceContext, data: JsonValue, partition: string): Promise<Entity[]> {
    return this.rows(context, this.filter(data, partition));
  }

  keyOf(row: Entity): JsonValue {
    return rowKey(row);
  }

  async loadKeys(context: SourceContext, keys: readonly JsonValue[], partition: string): Promise<Entity[]> {
    const filter = rowKeysFilter(this.scope.metadata(context), keys);
    return this.rows(context, this.scope.filter(partition, filter));
  }

  async split(context: SourceContext, data: JsonValue, partition: string): Promise<PlannedRange[]> {
    const halves: PlannedRange[] = [];
    const whole = readIdRange(data);
    for (const span of halveIds(whole, this.direction)) {
      const half = writeIdRange({ ...whole, ...span });
      const rows = await runQuery(context, () => this.scope.count(context, this.filter(half, partition)));
      halves.push({ data: half, rows });
    }
    return halves;
  }

  describe(data: JsonValue): JsonValue {
    const { low, high, type } = readIdRange(data);
    const show = (id: bigint) => (type === 'number' ? Number(id) : id.toString());
    return { begin: show(low), end: show(high) };
  }

  async inspect(
    context: SourceContext,
    opening: SourceOpening,
    batchSize: number,
  ): Promise<SourceInspection> {
    const walk = this.walk(context);
    const spans = opening.partitions.flatMap(({ name, bounds }): Array<IdBounds & { partition: string }> => {
      const read = readIdBounds(bounds);
      return read ? [{ ...read, partition: name }] : [];
    });
    const has = async (partition: string, span: IdSpan) =>
      (await walk.reader.edge(context, walk.query(partition, span), 'first')) !== undefined;
    const indexed = async (partition: string) =>
      walk.reader.hasIndex(context, walk.query(partition, undefined));
    return runQuery(context, () => inspectIds(walk.column, spans, batchSize, { has, indexed }));
  }

  private walk(context: SourceContext): IdWalk {
    const meta = this.scope.metadata(context);
    const column = resolveIdKey(this.scope, context, meta, this.key, this.direction);
    return {
      column,
      reader: this.readerFor(context.em, meta),
      unique: meta.primaryKeys.length === 1 && meta.primaryKeys[0] === column.path,
      query: (partition, span) => {
        const [first, last] =
          span && this.direction === 'desc' ? [span.high, span.low] : [span?.low, span?.high];
        const bound = (id: bigint | undefined) =>
          id === undefined ? undefined : { values: [idOf(id, typeOf(column))], inclusive: true };
        return {
          scope: this.scope,
          partition,
          columns: [column],
          interval: { lower: bound(first), upper: bound(last) },
        };
      },
    };
  }

  private async bounds(context: SourceContext, walk: IdWalk, partition: string, span: IdSpan) {
    const total = await runQuery(context, () => walk.reader.total(context, walk.query(partition, span)));
    // An estimate may exceed what fits between the bounds.
    const most = walk.unique ? Number(spanLength(span)) : Infinity;
    const rows = Math.min(total.rows, most);
    return { ...span, rows, order: describeOrder([walk.column]), exact: total.exact };
  }

  private async tableSpan(
    context: SourceContext,
    walk: IdWalk,
    partition: string,
  ): Promise<IdSpan | undefined> {
    const query = walk.query(partition, undefined);
    const edge = (end: 'first' | 'last') => runQuery(context, () => walk.reader.edge(context, query, end));
    const first = await edge('first');
    const last = await edge('last');
    if (!first || !last) return undefined;
    await checkExactKeys(this.scope, context, [walk.column], walk.reader, [first, last]);
    const [from, to] = [this.whole(context, walk, first[0]), this.whole(context, walk, last[0])];
    return this.direction === 'asc' ? { low: from, high: to } : { low: to, high: from };
  }

  private whole(context: SourceContext, { column }: IdWalk, id: unknown): bigint {
    const whole = wholeNumber(typeof id === 'number' ? String(id) : id);
    if (whole !== undefined) return whole;
    throw this.scope.error(context, {
      code: 'BACKFILL_SOURCE_KEY',
      field: column.path,
      expected: 'whole numbers, as strides of ids reach no others',
      received: String(id),
      remedy: `Use keyset(), which walks any order: keyset(…, { orderBy: { ${column.path}: '${this.direction}' } }).`,
    });
  }

  private write(column: WalkColumn, span: IdSpan): JsonValue {
    return writeIdRange({ ...span, key: column.path, type: typeOf(column) });
  }

  private filter(data: JsonValue, partition: string): PlainFilter {
    const { low, high, key, type } = readIdRange(data);
    return this.scope.filter(partition, nested(key, { $gte: idOf(low, type), $lte: idOf(high, type) }));
  }

  private async rows(context: SourceContext, filter: PlainFilter): Promise<Entity[]> {
    const { column } = this.walk(context);
    const names = new Set([column.path, ...this.scope.metadata(context).primaryKeys.map(String)]);
    const orderBy = [...names].map((name) => nested(name, this.direction));
    const rows = await runQuery(context, () => this.scope.find(context, filter, { orderBy }));
    return rows as Entity[];
  }
}

function typeOf({ kind }: WalkColumn): 'number' | 'bigint' | 'string' {
  return kind === 'bigint' || kind === 'string' ? kind : 'number';
}
