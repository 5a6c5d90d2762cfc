import type { RowTotal, SourceContext } from '../backfill-source.js';
import { checkConvertible } from '../keys/check-convertible.js';
import { checkExactIntegers, checkExactPrimaryKey } from '../keys/check-exact-integers.js';
import { checkKeyValues } from '../keys/check-key-values.js';
import { closedInterval, type KeyInterval } from '../keys/key-interval.js';
import type {
  IndexSupport,
  KeyBatch,
  KeyQuery,
  KeyReader,
  KeyValues,
  SortColumn,
} from '../keys/key-reader.js';
import { describeOrder } from '../keys/sort-key.js';
import { sweepStep, type SweepStep } from '../keys/sweep-step.js';
import { nestedFilter, type PlainFilter } from '../plain-filter.js';
import { runQuery } from '../run-query.js';
import type { SourceScope } from '../source-scope.js';
import type { KeysetBounds } from './keyset-codec.js';
import type { ResolvedOrder } from './keyset-order.js';

/**
 * Reads keys of a keyset source during one call, with the order and the reader resolved for its entity manager.
 *
 * @internal
 */
export class KeysetScan {
  constructor(
    private readonly scope: SourceScope,
    private readonly context: SourceContext,
    private readonly resolved: ResolvedOrder,
    readonly reader: KeyReader,
  ) {}

  get columns(): readonly SortColumn[] {
    return this.resolved.columns;
  }

  get tieBreakers(): readonly string[] {
    return this.resolved.tieBreakers;
  }

  get order(): string {
    return describeOrder(this.columns);
  }

  /**
   * The scan in the order of a run's bounds. An earlier version took some partial unique indexes for keys and appended
   * no tie-breakers: its runs end in the order in which they began.
   */
  forRun({ order }: KeysetBounds): KeysetScan {
    const columns = this.columns.slice(0, this.columns.length - this.tieBreakers.length);
    return order === describeOrder(columns)
      ? new KeysetScan(this.scope, this.context, { columns, tieBreakers: [] }, this.reader)
      : this;
  }

  /** The bounds of a partition's rows within an interval; `undefined` if it has none. */
  async bounds(
    partition: string,
    interval: KeyInterval,
  ): Promise<{ bounds: KeysetBounds; total: RowTotal } | undefined> {
    const first = await this.boundary(partition, interval, 'first');
    const last = await this.boundary(partition, interval, 'last');
    const all = this.query(partition, {});
    await runQuery(this.context, () => checkKeyValues(this.context, this.reader, all));
    if (!first || !last) return undefined;
    await this.checkKeys([first, last]);
    await runQuery(this.context, () => checkExactPrimaryKey(this.context, this.reader, all));
    const bounded = this.query(partition, closedInterval(first, last));
    const total = await runQuery(this.context, () => this.reader.total(this.context, bounded));
    return { bounds: { first, last, rows: total.rows, order: this.order }, total };
  }

  async batches(
    partition: string,
    interval: KeyInterval,
    batchSize: number,
    limit: number,
  ): Promise<KeyBatch[]> {
    const query = this.query(partition, interval);
    return runQuery(this.context, () => this.reader.batches(this.context, query, batchSize, limit));
  }

  /** The next batches of matching rows of a sweep. */
  async sweep(
    partition: string,
    interval: KeyInterval,
    batchSize: number,
    limit: number,
  ): Promise<SweepStep> {
    const all = new KeysetScan(
      this.scope.withWhere(withoutNulls(this.columns)),
      this.context,
      this.resolved,
      this.reader,
    );
    return sweepStep(
      (within, size, count) => all.batches(partition, within, size, count),
      (within, size, count) => this.batches(partition, within, size, count),
      interval,
      batchSize,
      limit,
    );
  }

  async hasRows(partition: string, interval: KeyInterval): Promise<boolean> {
    return (await this.boundary(partition, interval, 'first')) !== undefined;
  }

  async indexSupport(partition: string): Promise<IndexSupport> {
    const query = this.query(partition, {});
    return runQuery(this.context, () => this.reader.indexSupport(this.context, query));
  }

  /** @throws BackfillSourceError if an integer key was rounded, or no filter can be made of a key. */
  async checkKeys(keys: readonly KeyValues[]): Promise<void> {
    checkConvertible(this.scope, this.context, this.columns, keys);
    await checkExactIntegers(this.scope, this.context, this.columns, this.reader, keys);
  }

  private async boundary(
    partition: string,
    interval: KeyInterval,
    end: 'first' | 'last',
  ): Promise<KeyValues | undefined> {
    const query = this.query(partition, interval);
    return runQuery(this.context, () => this.reader.boundary(this.context, query, end));
  }

  private query(partition: string, interval: KeyInterval): KeyQuery {
    this.scope.checkPartition(this.context, partition);
    return { scope: this.scope, partition, columns: this.columns, interval };
  }
}

/** Comparisons never match null: the `where` of the source excludes the nulls of a nullable column. */
function withoutNulls(columns: readonly SortColumn[]): PlainFilter {
  const nullable = columns.filter((column) => column.nullable);
  return nullable.length === 0 ? {} : { $and: nullable.map(({ path }) => nestedFilter(path, { $ne: null })) };
}
