import type { BackfillRange } from '../sources/backfill-source.js';
import type { BackfillContext } from './backfill-context.js';

/**
 * A handler that processes a contiguous range of rows itself, usually with one SQL statement.
 *
 * @example
 * ```ts
 * @Backfill({ source: idRange(Message) })
 * export class ArchiveMessages implements RangeHandler<IdRange> {
 *   async processRange({ where }: IdRange, { em }: BackfillContext) {
 *     return em.nativeUpdate(Message, where, { archived: true });
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export interface RangeHandler<TRange extends BackfillRange = BackfillRange, TParams = unknown> {
  /**
   * Processes a range. May be called again for the same range after an error, a crash or a pause, so it must be
   * idempotent. An error that it throws is retried up to `attempts` times; then the range is split in half.
   *
   * @returns the number of processed rows, for `rowsDone`. Default: the number that the source stated. A number that is
   * negative or not finite fails the range
   */
  processRange(range: TRange, context: BackfillContext<TParams>): Promise<number | void> | number | void;
}

/**
 * Processes the loaded rows of a range. Changed entities are flushed when it returns.
 *
 * @example
 * ```ts
 * @Backfill({ source: keyset(Order, { orderBy: { id: 'asc' } }) })
 * export class RestructureOrders implements BatchHandler<Order> {
 *   async processBatch(orders: Order[]) {
 *     for (const order of orders) {
 *       order.address = parseAddress(order.addressText);
 *     }
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export interface BatchHandler<TRow, TParams = unknown> {
  /**
   * Processes the rows of a range. May be called again for the same rows after an error, a crash or a pause, so it must
   * be idempotent. An error that it throws is retried up to `attempts` times; then the range is split in half.
   */
  processBatch(rows: TRow[], context: BackfillContext<TParams>): Promise<void> | void;
}

/**
 * A handler that is given one row at a time, `rowConcurrency` of them at once. A row that throws does not stop the
 * others. Changed entities are flushed by the library.
 *
 * @example
 * ```ts
 * @Backfill({ source: keyset(Account, { orderBy: { id: 'asc' } }), config: { rowConcurrency: 10 } })
 * export class EnrichAccounts implements RowHandler<Account> {
 *   constructor(private readonly api: CompanyApi) {}
 *
 *   async processRow(account: Account, { signal }: BackfillContext) {
 *     account.industry = await this.api.industryOf(account.domain, signal);
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export interface RowHandler<TRow, TParams = unknown> {
  /**
   * Processes a row. May be called again for the same row after an error, a crash or a pause, so it must be idempotent.
   * An error that it throws is retried up to `attempts` times; `RateLimitedError` lowers the rate of calls and does not
   * count as an attempt, `NonRetryableError` fails the row at once.
   */
  processRow(row: TRow, context: BackfillContext<TParams>): Promise<void> | void;
}

/**
 * A class whose instances handle what a source gives: its ranges, or its rows in batches or one by one. The argument of
 * the decorator that `Backfill` returns, so that a handler of another entity or kind of range does not compile. It is
 * expressed by `prototype`, so that a class with a private constructor, an abstract or a generic one has it as well.
 *
 * @typeParam TRange What the source hands to a range handler.
 * @typeParam TRow What the source loads for batch and row handlers.
 * @typeParam TParams What the schema makes of the parameters; `undefined` without one.
 * @publicApi
 */
export interface BackfillHandlerClass<
  TRange extends BackfillRange = BackfillRange,
  TRow = unknown,
  TParams = unknown,
> {
  readonly prototype: RangeHandler<TRange, TParams> | BatchHandler<TRow, TParams> | RowHandler<TRow, TParams>;
}
