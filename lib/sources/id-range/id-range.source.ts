import type { EntityMetadata, FilterQuery } from '@mikro-orm/core';
import type {
  BackfillSource,
  ExactPlanRequest,
  JsonValue,
  OpenRequest,
  PlannedRange,
  PlanRequest,
  SourceContext,
  SourceCoverage,
  SourceDatabase,
  SourceInspection,
  SourceOpening,
  SourcePartition,
  SourcePlan,
  SourceUse,
} from '../backfill-source.js';
import { parseInteger } from '../keys/key-value.js';
import { MAX_STEP_ROWS } from '../keys/sweep-step.js';
import { checkRowIdentity, loadRows } from '../keys/load-rows.js';
import { rowKey, rowKeysFilter } from '../keys/row-keys.js';
import type { SortDirection } from '../keys/sort-key.js';
import { nestedFilter, type PlainFilter } from '../plain-filter.js';
import type { IdRange, IdValue } from '../ranges.js';
import { runQuery } from '../run-query.js';
import { type SourceScope, walkOfBounds } from '../source-scope.js';
import { selectKeyReader } from '../sql/select-key-reader.js';
import { firstId, halveInterval, nextStrides } from './id-interval.js';
import {
  decodeIdBounds,
  decodeIdRange,
  decodeIdSweepBounds,
  encodeIdBounds,
  encodeIdRange,
  encodeIdSweepBounds,
  type IdBounds,
  toIdValue,
} from './id-range-codec.js';
import { IdScan } from './id-scan.js';
import { inspectIds } from './inspect-ids.js';
import { keyBetween } from '../keys/key-between.js';
import { parseIdBounds } from './parse-id-bounds.js';
import { resolveIdColumn } from './resolve-id-column.js';

/**
 * The source that `idRange` returns.
 *
 * @internal
 */
export class IdRangeSource<Entity extends object, Id extends IdValue> implements BackfillSource<
  IdRange<Entity, Id>,
  Entity
> {
  readonly kind = 'id-range';
  readonly estimatesRows = true;

  constructor(
    private readonly scope: SourceScope,
    private readonly direction: SortDirection,
    private readonly key: string | undefined,
    private readonly selectReader = selectKeyReader,
  ) {}

  entities(): readonly unknown[] {
    return [this.scope.entity];
  }

  databases(): readonly SourceDatabase[] {
    return this.scope.databases.map(({ scope, ...database }) => ({
      ...database,
      source: new IdRangeSource<Entity, Id>(
        scope,
        this.direction,
        this.key,
        this.selectReader,
      ) as BackfillSource,
    }));
  }

  prepare(context: SourceContext, use?: SourceUse): void {
    this.scope.check(context);
    this.scan(context);
    if (use?.loadsRows) checkRowIdentity(this.scope, context);
  }

  /** The entity whose rows it loads. */
  metadata(context: SourceContext): EntityMetadata {
    return this.scope.metadata(context);
  }

  walk(context: SourceContext): Record<string, string> {
    return this.scope.walk(context, this.scan(context).order);
  }

  walkOfBounds(partitions: readonly SourcePartition[]): Record<string, string | null> {
    return walkOfBounds(partitions, (bounds) => decodeIdBounds(bounds)?.order ?? '');
  }

  async countLeft(context: SourceContext): Promise<number | null> {
    return this.scope.countLeft(context);
  }

  async countOutside(context: SourceContext, runs: readonly SourceCoverage[]): Promise<number> {
    const { column, idType } = this.scan(context);
    return runQuery(context, () =>
      this.scope.countOutside(context, runs, (bounds, { from, to }) => {
        const [low, high] = this.direction === 'asc' ? [from, to] : [to, from];
        const decoded = decodeIdBounds(bounds);
        if (!decoded || (!low && !high)) return undefined;
        return nestedFilter(column.path, {
          ...(low ? { $gte: toIdValue(decoded.low, idType) } : {}),
          ...(high ? { $lte: toIdValue(decoded.high, idType) } : {}),
        });
      }),
    );
  }

  async open(context: SourceContext, request: OpenRequest): Promise<SourceOpening> {
    const scan = this.scan(context);
    const requested = parseIdBounds(this.scope, context, scan.column, request);
    const partitions: SourcePartition[] = [];
    const total = { rows: 0, exact: true };
    for (const name of this.scope.partitions) {
      const found = await scan.bounds(name, requested);
      const own = { rows: found?.bounds.rows ?? 0, exact: found?.exact ?? true };
      partitions.push({
        name,
        bounds: found ? encodeIdBounds(found.bounds) : null,
        ...(name === '' ? {} : { total: own }),
      });
      total.rows += own.rows;
      total.exact &&= own.exact;
    }
    return { partitions, total };
  }

  async plan(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    this.scope.checkPartition(context, request.partition);
    const bounds = decodeIdBounds(request.bounds);
    if (!bounds) return { ranges: [], cursor: request.cursor, exhausted: true };
    const { column, idType, order } = this.scan(context);
    this.scope.checkOrderUnchanged(context, bounds.order, order);
    const from = parseInteger(request.cursor) ?? firstId(bounds, this.direction);
    const { batchSize, limit } = request;
    const plan = nextStrides(bounds, bounds.rows, this.direction, from, batchSize, limit);
    return {
      ranges: plan.strides.map(({ begin, end, rows }) => ({
        data: encodeIdRange({ low: begin, high: end, key: column.path, type: idType }),
        rows,
      })),
      cursor: plan.cursor.toString(),
      exhausted: plan.exhausted,
    };
  }

  cursorAt(bounds: JsonValue, fraction: number): JsonValue {
    const decoded = decodeIdBounds(bounds);
    if (!decoded) return null;
    const { low, high } = decoded;
    const [first, last] = this.direction === 'asc' ? [low, high] : [high, low];
    return keyBetween([first], [last], fraction)?.map(String)[0] ?? null;
  }

  /** Intervals that begin and end with a matching row, so that the ids between them, existing or not, have none. */
  async planExact(context: SourceContext, request: ExactPlanRequest): Promise<SourcePlan> {
    const { partition, cursor, batchSize, limit } = request;
    this.scope.checkPartition(context, partition);
    const bounds = decodeIdBounds(request.bounds);
    if (!bounds) return { ranges: [], cursor, exhausted: true };
    const scan = this.scan(context);
    this.scope.checkOrderUnchanged(context, bounds.order, scan.order);
    this.assertUnique(context, scan);
    const [end, step] = this.direction === 'asc' ? [bounds.high, 1n] : [bounds.low, -1n];
    const next = parseInteger(cursor) ?? firstId(bounds, this.direction);
    if (next < bounds.low || next > bounds.high) return { ranges: [], cursor, exhausted: true };
    const rest = this.direction === 'asc' ? { ...bounds, low: next } : { ...bounds, high: next };
    const { strides, last, exhausted } = await scan.sweep(
      partition,
      rest,
      null,
      batchSize,
      limit,
      // A canary is small: where few rows match, steps of its size would be too many.
      this.scope.isFiltered ? MAX_STEP_ROWS : undefined,
    );
    return {
      ranges: strides.map(({ begin, end: stop, rows }) => ({
        data: encodeIdRange({ low: begin, high: stop, key: scan.column.path, type: scan.idType }),
        rows,
      })),
      cursor: ((last ?? end) + step).toString(),
      exhausted: exhausted || last === null || last === end,
    };
  }

  async openSweep(context: SourceContext, request: OpenRequest): Promise<readonly SourcePartition[] | null> {
    if (!this.scope.isFiltered) return null;
    const { column, order } = this.scan(context);
    const { from, to } = parseIdBounds(this.scope, context, column, request);
    const [low, high] = this.direction === 'asc' ? [from, to] : [to, from];
    const bounds = encodeIdSweepBounds({ low, high, order });
    return this.scope.partitions.map((name) => ({ name, bounds }));
  }

  async planSweep(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    const { partition, cursor, batchSize, limit } = request;
    this.scope.checkPartition(context, partition);
    const bounds = decodeIdSweepBounds(request.bounds);
    const scan = this.scan(context);
    this.scope.checkOrderUnchanged(context, bounds.order, scan.order);
    const after = parseInteger(cursor) ?? null;
    const { strides, last, exhausted } = await scan.sweep(partition, bounds, after, batchSize, limit);
    return {
      ranges: strides.map(({ begin, end, rows }) => ({
        data: encodeIdRange({ low: begin, high: end, key: scan.column.path, type: scan.idType }),
        rows,
      })),
      cursor: last?.toString() ?? cursor,
      exhausted,
    };
  }

  async stillMatches(context: SourceContext, partitions: readonly SourcePartition[]): Promise<boolean> {
    const scan = this.scan(context);
    for (const { name, bounds } of partitions) {
      const decoded = decodeIdBounds(bounds);
      for (const id of decoded ? [decoded.low, decoded.high] : []) {
        if (!(await scan.hasRows(name, { low: id, high: id }))) return false;
      }
    }
    return true;
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

  async loadKeysUnfiltered(context: SourceContext, keys: readonly JsonValue[]): Promise<Entity[]> {
    return this.rows(context, rowKeysFilter(this.scope.metadata(context), keys));
  }

  async split(context: SourceContext, data: JsonValue, partition: string): Promise<PlannedRange[]> {
    const range = decodeIdRange(data);
    const halves = halveInterval(range, this.direction).map((half) => encodeIdRange({ ...range, ...half }));
    const counted: PlannedRange[] = [];
    for (const part of halves.length === 0 ? [data] : halves) {
      const rows = await runQuery(context, () => this.scope.count(context, this.filter(part, partition)));
      counted.push({ data: part, rows });
    }
    return counted;
  }

  describe(data: JsonValue): JsonValue {
    const { low, high, type } = decodeIdRange(data);
    const format = (id: bigint) => (type === 'number' ? Number(id) : id.toString());
    return { begin: format(low), end: format(high) };
  }

  async inspect(
    context: SourceContext,
    opening: SourceOpening,
    batchSize: number,
  ): Promise<SourceInspection> {
    const scan = this.scan(context);
    const partitions = opening.partitions.flatMap(
      ({ name, bounds }): Array<IdBounds & { partition: string }> => {
        const decoded = decodeIdBounds(bounds);
        return decoded ? [{ ...decoded, partition: name }] : [];
      },
    );
    return runQuery(context, () => inspectIds(scan.column, partitions, batchSize, scan));
  }

  /** Several rows may share another id, and a range has all rows of its ids. */
  private assertUnique(context: SourceContext, scan: IdScan): void {
    if (scan.isUnique) return;
    const { path, direction } = scan.column;
    throw this.scope.error(context, {
      field: path,
      expected: 'the primary key of the entity, so that a canary can have an exact number of rows',
      received: 'another property',
      remedy: `Use keyset(): keyset(…, { orderBy: { ${path}: '${direction}' } }).`,
    });
  }

  private scan(context: SourceContext): IdScan {
    const meta = this.scope.metadata(context);
    const column = resolveIdColumn(this.scope, context, meta, this.key, this.direction);
    return new IdScan(this.scope, context, meta, column, this.selectReader(context.em, meta));
  }

  private filter(data: JsonValue, partition: string): PlainFilter {
    const { low, high, key, type } = decodeIdRange(data);
    const ids = { $gte: toIdValue(low, type), $lte: toIdValue(high, type) };
    return this.scope.filter(partition, nestedFilter(key, ids));
  }

  /** Rows that share an id are ordered by primary key, in the same direction. */
  private async rows(context: SourceContext, filter: PlainFilter): Promise<Entity[]> {
    const { column } = this.scan(context);
    const paths = new Set([column.path, ...this.scope.metadata(context).primaryKeys.map(String)]);
    const orderBy = [...paths].map((path) => nestedFilter(path, this.direction));
    const rows = await runQuery(context, () => loadRows(this.scope, context, filter, { orderBy }));
    return rows as Entity[];
  }
}
