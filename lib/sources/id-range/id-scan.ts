import type { EntityMetadata } from '@mikro-orm/core';
import type { SourceContext } from '../backfill-source.js';
import { checkExactIntegers } from '../keys/check-exact-integers.js';
import { checkKeyValues } from '../keys/check-key-values.js';
import { closedInterval } from '../keys/key-interval.js';
import type { IndexSupport, KeyQuery, KeyReader, SortColumn } from '../keys/key-reader.js';
import { parseInteger } from '../keys/key-value.js';
import { describeOrder } from '../keys/sort-key.js';
import { runQuery } from '../run-query.js';
import type { SourceScope } from '../source-scope.js';
import { intervalAfter, type ReadBatches, sweepStep } from '../keys/sweep-step.js';
import { clampInterval, countIds, disjointStrides, type IdInterval, type IdStride } from './id-interval.js';
import { type IdBounds, type IdSweepBounds, type IdType, toIdValue } from './id-range-codec.js';

/**
 * Reads ids of an id range during one call, with the column and the reader resolved for its entity manager.
 *
 * @internal
 */
export class IdScan {
  constructor(
    private readonly scope: SourceScope,
    private readonly context: SourceContext,
    private readonly meta: EntityMetadata,
    readonly column: SortColumn,
    private readonly reader: KeyReader,
  ) {}

  get order(): string {
    return describeOrder([this.column]);
  }

  get idType(): IdType {
    const { type } = this.column;
    return type === 'bigint' || type === 'string' ? type : 'number';
  }

  /** Whether the ids identify rows. */
  get isUnique(): boolean {
    const { primaryKeys } = this.meta;
    return primaryKeys.length === 1 && primaryKeys[0] === this.column.path;
  }

  /** The bounds of a partition's rows between `from` and `to`; `undefined` if there are none. */
  async bounds(
    partition: string,
    { from, to }: { from: bigint | undefined; to: bigint | undefined },
  ): Promise<{ bounds: IdBounds; exact: boolean } | undefined> {
    const table = await this.tableInterval(partition);
    const interval = table && clampInterval(table, this.column.direction, from, to);
    if (!interval) return undefined;
    const query = this.query(partition, interval);
    const total = await runQuery(this.context, () => this.reader.total(this.context, query));
    // An estimate may exceed the number of ids between the bounds.
    const rows = this.isUnique ? Math.min(total.rows, Number(countIds(interval))) : total.rows;
    return { bounds: { ...interval, rows, order: this.order }, exact: total.exact };
  }

  /**
   * The next matching rows of a sweep, as intervals of ids that contain `batchSize` of them each.
   *
   * @param least see `sweepStep`
   */
  async sweep(
    partition: string,
    bounds: IdSweepBounds,
    cursor: bigint | null,
    batchSize: number,
    limit: number,
    least?: number,
  ): Promise<{ strides: IdStride[]; last: bigint | null; exhausted: boolean }> {
    const { column, reader, context } = this;
    const { direction } = column;
    const read =
      (scope: SourceScope): ReadBatches =>
      (interval, size, count) =>
        runQuery(context, () =>
          reader.batches(context, { scope, partition, columns: [column], interval }, size, count),
        );
    const [first, end] = direction === 'asc' ? [bounds.low, bounds.high] : [bounds.high, bounds.low];
    const at = (id: bigint | undefined) =>
      id === undefined ? undefined : { values: [toIdValue(id, this.idType)], inclusive: true };
    const after = intervalAfter(
      { lower: at(first), upper: at(end) },
      cursor === null ? null : [toIdValue(cursor, this.idType)],
    );
    const all = read(this.scope.withWhere());
    const { batches, last, exhausted } = await sweepStep(
      all,
      read(this.scope),
      after,
      batchSize,
      limit,
      least,
    );
    const keys = [...batches.flatMap((batch) => [batch.first, batch.last]), ...(last ? [last] : [])];
    await checkExactIntegers(this.scope, context, [column], reader, keys);
    const ids = batches.map(({ first: begin, last: stop, rows }) => ({
      from: this.toInteger(begin[0]),
      to: this.toInteger(stop[0]),
      rows,
    }));
    return {
      strides: disjointStrides(ids, direction),
      last: last ? this.toInteger(last[0]) : null,
      exhausted,
    };
  }

  async hasRows(partition: string, interval: IdInterval): Promise<boolean> {
    const query = this.query(partition, interval);
    return (await this.reader.boundary(this.context, query, 'first')) !== undefined;
  }

  async indexSupport(partition: string): Promise<IndexSupport> {
    return this.reader.indexSupport(this.context, this.query(partition));
  }

  private async tableInterval(partition: string): Promise<IdInterval | undefined> {
    const query = this.query(partition);
    const boundary = (end: 'first' | 'last') =>
      runQuery(this.context, () => this.reader.boundary(this.context, query, end));
    const first = await boundary('first');
    const last = await boundary('last');
    await runQuery(this.context, () => checkKeyValues(this.context, this.reader, query));
    if (!first || !last) return undefined;
    await checkExactIntegers(this.scope, this.context, [this.column], this.reader, [first, last]);
    const [begin, end] = [this.toInteger(first[0]), this.toInteger(last[0])];
    return this.column.direction === 'asc' ? { low: begin, high: end } : { low: end, high: begin };
  }

  /** @throws BackfillSourceError for an id with a fraction, which a document database may store. */
  private toInteger(id: unknown): bigint {
    const integer = parseInteger(typeof id === 'number' ? String(id) : id);
    if (integer !== undefined) return integer;
    const { path, direction } = this.column;
    throw this.scope.error(this.context, {
      code: 'BACKFILL_SOURCE_KEY',
      field: path,
      expected: 'whole numbers, because ranges of ids contain no others',
      received: String(id),
      remedy: `Use keyset(), which supports other numbers: keyset(…, { orderBy: { ${path}: '${direction}' } }).`,
    });
  }

  private query(partition: string, interval?: IdInterval): KeyQuery {
    const { scope, column } = this;
    return { scope, partition, columns: [column], interval: interval ? this.keyInterval(interval) : {} };
  }

  private keyInterval({ low, high }: IdInterval) {
    const [first, last] = this.column.direction === 'asc' ? [low, high] : [high, low];
    return closedInterval([toIdValue(first, this.idType)], [toIdValue(last, this.idType)]);
  }
}
