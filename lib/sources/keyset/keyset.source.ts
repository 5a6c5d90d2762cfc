import type { EntityMetadata, FilterQuery } from '@mikro-orm/core';
import type {
  BackfillSource,
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
  SourceWarning,
} from '../backfill-source.js';
import { intervalFilter } from '../keys/interval-filter.js';
import { toEntityValue, toReadableValue } from '../keys/key-codec.js';
import { closedInterval, type KeyInterval } from '../keys/key-interval.js';
import { checkRowIdentity, loadRows } from '../keys/load-rows.js';
import { rowKey, rowKeysFilter } from '../keys/row-keys.js';
import { describeOrder, type SortKey } from '../keys/sort-key.js';
import { intervalAfter } from '../keys/sweep-step.js';
import { nestedFilter, type PlainFilter } from '../plain-filter.js';
import type { KeysetRange } from '../ranges.js';
import { runQuery } from '../run-query.js';
import { type SourceScope, walkOfBounds } from '../source-scope.js';
import { selectKeyReader } from '../sql/select-key-reader.js';
import {
  decodeBounds,
  decodeKey,
  decodeRange,
  decodeSweepBounds,
  encodeBounds,
  encodeKey,
  encodeSweepBounds,
  toKeyObject,
  toPlannedRange,
} from './keyset-codec.js';
import { invertedBoundsError, invertedIntervals, isInverted, refuseUnreadable } from './check-bounds.js';
import type { KeysetOrder } from './keyset-order.js';
import { KeysetScan } from './keyset-scan.js';
import { keyBetween } from '../keys/key-between.js';
import { parseBound } from './parse-bound.js';

/**
 * The source that `keyset` returns.
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

  entities(): readonly unknown[] {
    return [this.scope.entity];
  }

  databases(): readonly SourceDatabase[] {
    return this.scope.databases.map(({ scope, ...database }) => ({
      ...database,
      source: new KeysetSource<Entity>(scope, this.order, this.selectReader) as BackfillSource,
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
    const withoutTieBreakers = describeOrder(this.order.sortKeys([]));
    return walkOfBounds(partitions, (bounds) => {
      const order = decodeBounds(bounds)?.order ?? '';
      return order === withoutTieBreakers ? null : order;
    });
  }

  async countLeft(context: SourceContext): Promise<number | null> {
    return this.scope.countLeft(context);
  }

  async countOutside(context: SourceContext, runs: readonly SourceCoverage[]): Promise<number> {
    const sortKeys = this.order.sortKeys(this.scan(context).tieBreakers);
    return runQuery(context, () =>
      this.scope.countOutside(context, runs, (bounds, { from, to }) => {
        const decoded = decodeBounds(bounds);
        const closed = decoded ? closedInterval(decoded.first, decoded.last) : {};
        return intervalFilter(sortKeys, {
          ...(from ? { lower: closed.lower } : {}),
          ...(to ? { upper: closed.upper } : {}),
        });
      }),
    );
  }

  open(context: SourceContext, request: OpenRequest): Promise<SourceOpening> {
    return refuseUnreadable(this.scope, context, request, () => this.openBounds(context, request));
  }

  async plan(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    const bounds = decodeBounds(request.bounds);
    if (!bounds) return { ranges: [], cursor: request.cursor, exhausted: true };
    const scan = this.scan(context).forRun(bounds);
    this.scope.checkOrderUnchanged(context, bounds.order, scan.order);
    const { partition, batchSize, limit } = request;
    const interval: KeyInterval = {
      lower:
        request.cursor === null
          ? { values: bounds.first, inclusive: true }
          : { values: decodeKey(request.cursor), inclusive: false },
      upper: { values: bounds.last, inclusive: true },
    };
    const batches = await scan.batches(partition, interval, batchSize, limit);
    await scan.checkKeys(batches.flatMap(({ first, last }) => [first, last]));
    const last = batches.at(-1);
    const cursor = last ? encodeKey(last.last) : request.cursor;
    const full = batches.length === limit && last?.rows === batchSize;
    return {
      ranges: batches.map((batch) => toPlannedRange(batch, scan.tieBreakers)),
      cursor,
      exhausted: !full || JSON.stringify(cursor) === JSON.stringify(encodeKey(bounds.last)),
    };
  }

  cursorAt(bounds: JsonValue, fraction: number): JsonValue {
    const decoded = decodeBounds(bounds);
    const key = decoded ? keyBetween(decoded.first, decoded.last, fraction) : null;
    return key && encodeKey(key);
  }

  async openSweep(
    context: SourceContext,
    { from, to }: OpenRequest,
  ): Promise<readonly SourcePartition[] | null> {
    if (!this.scope.isFiltered) return null;
    const scan = this.scan(context);
    const lower = parseBound(this.scope, context, scan, 'from', from);
    const upper = parseBound(this.scope, context, scan, 'to', to);
    const bounds = encodeSweepBounds({ lower: lower?.values, upper: upper?.values, order: scan.order });
    return this.scope.partitions.map((name) => ({ name, bounds }));
  }

  async planSweep(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    const { partition, cursor, batchSize, limit } = request;
    const bounds = decodeSweepBounds(request.bounds);
    const scan = this.scan(context);
    this.scope.checkOrderUnchanged(context, bounds.order, scan.order);
    const interval: KeyInterval = {
      lower: bounds.lower && { values: bounds.lower, inclusive: true },
      upper: bounds.upper && { values: bounds.upper, inclusive: true },
    };
    const after = intervalAfter(interval, cursor === null ? null : decodeKey(cursor));
    const { batches, last, exhausted } = await scan.sweep(partition, after, batchSize, limit);
    await scan.checkKeys([
      ...batches.flatMap(({ first, last: end }) => [first, end]),
      ...(last ? [last] : []),
    ]);
    return {
      ranges: batches.map((batch) => toPlannedRange(batch, scan.tieBreakers)),
      cursor: last ? encodeKey(last) : cursor,
      exhausted,
    };
  }

  async stillMatches(context: SourceContext, partitions: readonly SourcePartition[]): Promise<boolean> {
    for (const { name, bounds } of partitions) {
      const decoded = decodeBounds(bounds);
      if (!decoded) continue;
      const scan = this.scan(context).forRun(decoded);
      for (const key of [decoded.first, decoded.last]) {
        if (!(await scan.hasRows(name, closedInterval(key, key)))) return false;
      }
    }
    return true;
  }

  toRange(data: JsonValue, index: number, partition: string): KeysetRange<Entity> {
    const { first, last, tieBreakers } = decodeRange(data);
    const sortKeys = this.order.sortKeys(tieBreakers);
    return {
      index,
      ...(partition === '' ? {} : { partition }),
      first: toKeyObject(sortKeys, first, toEntityValue),
      last: toKeyObject(sortKeys, last, toEntityValue),
      where: this.filter(data, partition) as FilterQuery<Entity>,
    };
  }

  async load(context: SourceContext, data: JsonValue, partition: string): Promise<Entity[]> {
    const sortKeys = this.order.sortKeys(decodeRange(data).tieBreakers);
    return this.rows(context, this.filter(data, partition), sortKeys);
  }

  async countPlanned(
    context: SourceContext,
    data: JsonValue,
    partition: string,
    limit: number,
  ): Promise<number> {
    const { first, last } = decodeRange(data);
    const [batch] = await this.scan(context).batches(partition, closedInterval(first, last), limit, 1);
    return batch?.rows ?? 0;
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

  async loadKeysUnfiltered(context: SourceContext, keys: readonly JsonValue[]): Promise<Entity[]> {
    return this.rows(context, rowKeysFilter(this.scope.metadata(context), keys), this.scan(context).columns);
  }

  async split(context: SourceContext, data: JsonValue, partition: string): Promise<PlannedRange[]> {
    const scan = this.scan(context);
    this.scope.checkPartition(context, partition);
    const rows = await runQuery(context, () => this.scope.count(context, this.filter(data, partition)));
    if (rows < 2) return [{ data, rows }];
    const { first, last } = decodeRange(data);
    const halves = await scan.batches(partition, closedInterval(first, last), Math.ceil(rows / 2), 2);
    return halves.length < 2
      ? [{ data, rows }]
      : halves.map((batch) => toPlannedRange(batch, scan.tieBreakers));
  }

  describe(data: JsonValue): JsonValue {
    const { first, last, tieBreakers } = decodeRange(data);
    const sortKeys = this.order.sortKeys(tieBreakers);
    return {
      first: toKeyObject(sortKeys, first, toReadableValue) as JsonValue,
      last: toKeyObject(sortKeys, last, toReadableValue) as JsonValue,
    };
  }

  async inspect(
    context: SourceContext,
    { partitions }: SourceOpening,
    batchSize: number,
  ): Promise<SourceInspection> {
    const scan = this.scan(context);
    const totalRanges = partitions.reduce(
      (sum, { bounds }) => sum + Math.ceil((decodeBounds(bounds)?.rows ?? 0) / batchSize),
      0,
    );
    const support = await scan.indexSupport(partitions[0]?.name ?? '');
    return { totalRanges, warnings: support === 'not-indexed' ? [noIndexWarning(scan.order)] : [] };
  }

  private async openBounds(context: SourceContext, { from, to }: OpenRequest): Promise<SourceOpening> {
    const scan = this.scan(context);
    const lower = parseBound(this.scope, context, scan, 'from', from);
    const upper = parseBound(this.scope, context, scan, 'to', to);
    const inverted = lower && upper ? isInverted(scan.columns, lower, upper) : false;
    if (inverted === true) throw invertedBoundsError(this.scope, context, scan.columns);
    const partitions: SourcePartition[] = [];
    const total = { rows: 0, exact: true };
    for (const name of this.scope.partitions) {
      const found = await scan.bounds(name, { lower, upper });
      const own = found?.total ?? { rows: 0, exact: true };
      partitions.push({
        name,
        bounds: found ? encodeBounds(found.bounds) : null,
        ...(name === '' ? {} : { total: own }),
      });
      total.rows += own.rows;
      total.exact &&= own.exact;
    }
    const isEmpty = partitions.every(({ bounds }) => bounds === null);
    if (isEmpty && inverted === 'unknown' && lower && upper) {
      const found = await this.hasRows(scan, invertedIntervals(lower, upper));
      if (found) throw invertedBoundsError(this.scope, context, scan.columns);
    }
    return { partitions, total };
  }

  private async hasRows(scan: KeysetScan, intervals: readonly KeyInterval[]): Promise<boolean> {
    for (const partition of this.scope.partitions) {
      for (const interval of intervals) {
        if (await scan.hasRows(partition, interval)) return true;
      }
    }
    return false;
  }

  private scan(context: SourceContext): KeysetScan {
    const meta = this.scope.metadata(context);
    const reader = this.selectReader(context.em, meta);
    return new KeysetScan(this.scope, context, this.order.resolve(context, meta, reader), reader);
  }

  private filter(data: JsonValue, partition: string): PlainFilter {
    const { first, last, tieBreakers } = decodeRange(data);
    const keys = intervalFilter(this.order.sortKeys(tieBreakers), closedInterval(first, last));
    return this.scope.filter(partition, ...(keys ? [keys] : []));
  }

  private async rows(
    context: SourceContext,
    filter: PlainFilter,
    sortKeys: readonly SortKey[],
  ): Promise<Entity[]> {
    const orderBy = sortKeys.map(({ path, direction }) => nestedFilter(path, direction));
    const rows = await runQuery(context, () => loadRows(this.scope, context, filter, { orderBy }));
    return rows as Entity[];
  }
}

function noIndexWarning(order: string): SourceWarning {
  return {
    code: 'NO_INDEX',
    message:
      `No index provides the order ${order}: the database sorts the table in every planning cycle. ` +
      'Create an index on these columns, in this order, with these directions or all of them reversed.',
  };
}
