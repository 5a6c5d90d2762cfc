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
import { checkExactIntegers } from '../keys/check-exact-integers.js';
import {
  clampInterval,
  nextStrides,
  halveInterval,
  type IdInterval,
  countIds,
  firstId,
} from './id-interval.js';
import {
  type IdBounds,
  type IdType,
  toIdValue,
  decodeIdBounds,
  decodeIdRange,
  encodeIdBounds,
  encodeIdRange,
} from './id-range-codec.js';
import { inspectIds } from './inspect-ids.js';
import { resolveIdColumn } from './resolve-id-column.js';
import { parseIdBounds } from './parse-id-bounds.js';
import type { KeyQuery, KeyReader, SortColumn } from '../keys/key-reader.js';
import { selectKeyReader } from '../sql/select-key-reader.js';
import { parseInteger } from '../keys/key-value.js';
import { nestedFilter, type PlainFilter } from '../plain-filter.js';
import { describeOrder, type SortDirection } from '../keys/sort-key.js';
import type { IdRange, IdValue } from '../ranges.js';
import { rowKey, rowKeysFilter } from '../keys/row-keys.js';
import { runQuery } from '../run-query.js';
import type { SourceScope } from '../source-scope.js';

/** What one call needs to know of the key. */
interface IdScan {
  readonly column: SortColumn;
  readonly reader: KeyReader;
  /** Whether no two rows share an id. */
  readonly unique: boolean;
  query(partition: string, span: IdInterval | undefined): KeyQuery;
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
    private readonly direction: SortDirection,
    private readonly key: string | undefined,
    private readonly selectReader = selectKeyReader,
  ) {}

  prepare(context: SourceContext): void {
    this.scope.check(context);
    this.scan(context);
  }

  async countLeft(context: SourceContext): Promise<number | null> {
    return this.scope.countLeft(context);
  }

  async open(context: SourceContext, request: OpenRequest): Promise<SourceOpening> {
    const scan = this.scan(context);
    const { from, to } = parseIdBounds(this.scope, context, scan.column, request);
    const partitions: SourcePartition[] = [];
    const total = { rows: 0, exact: true };
    for (const name of this.scope.partitions) {
      const table = await this.tableInterval(context, scan, name);
      const span = table && clampInterval(table, this.direction, from, to);
      const bounds = span && (await this.bounds(context, scan, name, span));
      partitions.push({ name, bounds: bounds ? encodeIdBounds(bounds) : null });
      total.rows += bounds?.rows ?? 0;
      total.exact &&= bounds?.exact ?? true;
    }
    return { partitions, total };
  }

  async plan(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    this.scope.checkPartition(context, request.partition);
    const bounds = decodeIdBounds(request.bounds);
    if (!bounds) return { ranges: [], cursor: request.cursor, exhausted: true };
    const { column } = this.scan(context);
    this.scope.checkOrderUnchanged(context, bounds.order, describeOrder([column]));
    const from = parseInteger(request.cursor) ?? firstId(bounds, this.direction);
    const cut = nextStrides(bounds, bounds.rows, this.direction, from, request.batchSize, request.limit);
    return {
      ranges: cut.strides.map(({ begin, end, rows }) => ({
        data: this.encode(column, { low: begin, high: end }),
        rows,
      })),
      cursor: cut.cursor.toString(),
      exhausted: cut.exhausted,
    };
  }

  toRange(data: JsonValue, index: number, partition: string): IdRange<Entity, Id> {
    const { low, high, type } = decodeIdRange(data);
    return {
      index,
      ...(partition === '' ? {} : { partition }),
      begin: toIdValue(low, type) as Id,
      end: toIdValue(high, type) as Id,
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
    const whole = decodeIdRange(data);
    for (const span of halveInterval(whole, this.direction)) {
      const half = encodeIdRange({ ...whole, ...span });
      const rows = await runQuery(context, () => this.scope.count(context, this.filter(half, partition)));
      halves.push({ data: half, rows });
    }
    return halves;
  }

  describe(data: JsonValue): JsonValue {
    const { low, high, type } = decodeIdRange(data);
    const show = (id: bigint) => (type === 'number' ? Number(id) : id.toString());
    return { begin: show(low), end: show(high) };
  }

  async inspect(
    context: SourceContext,
    opening: SourceOpening,
    batchSize: number,
  ): Promise<SourceInspection> {
    const scan = this.scan(context);
    const intervals = opening.partitions.flatMap(
      ({ name, bounds }): Array<IdBounds & { partition: string }> => {
        const read = decodeIdBounds(bounds);
        return read ? [{ ...read, partition: name }] : [];
      },
    );
    const hasRows = async (partition: string, interval: IdInterval) =>
      (await scan.reader.boundary(context, scan.query(partition, interval), 'first')) !== undefined;
    const indexSupport = async (partition: string) =>
      scan.reader.indexSupport(context, scan.query(partition, undefined));
    return runQuery(context, () => inspectIds(scan.column, intervals, batchSize, { hasRows, indexSupport }));
  }

  private scan(context: SourceContext): IdScan {
    const meta = this.scope.metadata(context);
    const column = resolveIdColumn(this.scope, context, meta, this.key, this.direction);
    return {
      column,
      reader: this.selectReader(context.em, meta),
      unique: meta.primaryKeys.length === 1 && meta.primaryKeys[0] === column.path,
      query: (partition, span) => {
        const [first, last] =
          span && this.direction === 'desc' ? [span.high, span.low] : [span?.low, span?.high];
        const bound = (id: bigint | undefined) =>
          id === undefined ? undefined : { values: [toIdValue(id, idTypeOf(column))], inclusive: true };
        return {
          scope: this.scope,
          partition,
          columns: [column],
          interval: { lower: bound(first), upper: bound(last) },
        };
      },
    };
  }

  private async bounds(context: SourceContext, scan: IdScan, partition: string, span: IdInterval) {
    const total = await runQuery(context, () => scan.reader.total(context, scan.query(partition, span)));
    // An estimate may exceed what fits between the bounds.
    const limit = scan.unique ? Number(countIds(span)) : Infinity;
    const rows = Math.min(total.rows, limit);
    return { ...span, rows, order: describeOrder([scan.column]), exact: total.exact };
  }

  private async tableInterval(
    context: SourceContext,
    scan: IdScan,
    partition: string,
  ): Promise<IdInterval | undefined> {
    const query = scan.query(partition, undefined);
    const boundary = (end: 'first' | 'last') =>
      runQuery(context, () => scan.reader.boundary(context, query, end));
    const first = await boundary('first');
    const last = await boundary('last');
    if (!first || !last) return undefined;
    await checkExactIntegers(this.scope, context, [scan.column], scan.reader, [first, last]);
    const [from, to] = [this.toInteger(context, scan, first[0]), this.toInteger(context, scan, last[0])];
    return this.direction === 'asc' ? { low: from, high: to } : { low: to, high: from };
  }

  private toInteger(context: SourceContext, { column }: IdScan, id: unknown): bigint {
    const integer = parseInteger(typeof id === 'number' ? String(id) : id);
    if (integer !== undefined) return integer;
    throw this.scope.error(context, {
      code: 'BACKFILL_SOURCE_KEY',
      field: column.path,
      expected: 'whole numbers, as strides of ids reach no others',
      received: String(id),
      remedy: `Use keyset(), which walks any order: keyset(…, { orderBy: { ${column.path}: '${this.direction}' } }).`,
    });
  }

  private encode(column: SortColumn, span: IdInterval): JsonValue {
    return encodeIdRange({ ...span, key: column.path, type: idTypeOf(column) });
  }

  private filter(data: JsonValue, partition: string): PlainFilter {
    const { low, high, key, type } = decodeIdRange(data);
    return this.scope.filter(
      partition,
      nestedFilter(key, { $gte: toIdValue(low, type), $lte: toIdValue(high, type) }),
    );
  }

  private async rows(context: SourceContext, filter: PlainFilter): Promise<Entity[]> {
    const { column } = this.scan(context);
    const names = new Set([column.path, ...this.scope.metadata(context).primaryKeys.map(String)]);
    const orderBy = [...names].map((name) => nestedFilter(name, this.direction));
    const rows = await runQuery(context, () => this.scope.find(context, filter, { orderBy }));
    return rows as Entity[];
  }
}

function idTypeOf({ type }: SortColumn): IdType {
  return type === 'bigint' || type === 'string' ? type : 'number';
}
