import type { BackfillForecast } from '../state/backfill-forecast.js';
import type { JsonValue } from '../sources/backfill-source.js';

/**
 * Options of `BackfillService.rehearse`.
 *
 * @publicApi
 */
export interface RehearseOptions {
  /** Rows that are handled and shown, 1 to 500; those of a batch that fails count, too. Default 50. */
  readonly rows?: number;
  /** Key of the first row of the walk that may be drawn, inclusive. Default: the first row of the table. */
  readonly from?: unknown;
  /** Key of the last row of the walk that may be drawn, inclusive. Default: the last row of the table now. */
  readonly to?: unknown;
  /** Parameters for the handler and its source, as `start` takes them. Default: none. */
  readonly params?: unknown;
  /**
   * Columns whose values are not shown, only whether they changed, beside those of `rehearsal.mask` of `@Backfill` and
   * those whose name looks secret. Default: none.
   */
  readonly mask?: readonly string[];
  /**
   * Longest text of a value that is shown whole, in characters, from 1; `null` shows every value whole, which an exact
   * comparison needs. Default 200.
   */
  readonly maxLength?: number | null;
  /** Ms after which no further batch starts, 1,000 to 300,000; the answer then says so. Default 30,000. */
  readonly timeoutMs?: number;
  /** Ends the rehearsal early, with the rows so far. Default: nothing does. */
  readonly signal?: AbortSignal;
}

/**
 * A row before and after the handler, as the database has it: each column as text that keeps every digit, `null` where
 * it is null, `'***'` where it is masked. A value longer than
 * `maxLength` is cut around the first difference, and its length is told.
 *
 * @publicApi
 */
export interface RehearsedRow {
  /** Key of the row, as failures have it. */
  readonly key: JsonValue;
  readonly before: Readonly<Record<string, string | null>>;
  /** Read in the transaction after the flush; `null`: the handler has deleted the row. */
  readonly after: Readonly<Record<string, string | null>> | null;
  /** Names of the columns that differ; all of them for a deleted row. */
  readonly changed: readonly string[];
}

/**
 * A row or batch that failed in a rehearsal.
 *
 * @publicApi
 */
export interface RehearsalError {
  /** Key of the row, or the batch as previews describe it. */
  readonly key: JsonValue;
  readonly error: { readonly name: string; readonly message: string };
}

/**
 * The SQL statements that the handler and the library executed for it in a rehearsal.
 *
 * @publicApi
 */
export interface RehearsedStatements {
  readonly total: number;
  /** On average, in each batch. */
  readonly perBatch: number;
  /** The most frequent ones, without the values in them. */
  readonly shapes: readonly { readonly sql: string; readonly count: number }[];
}

/**
 * Rows that were written in the rolled back transactions, by table. PostgreSQL counts them.
 *
 * @publicApi
 */
export interface RehearsedTable {
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/**
 * What the handler does to rows from random places of the walk. Their transactions were rolled back. Where nothing but the
 * handler limits the run, its batches were handled again and again, to measure how fast that is: see
 * `BackfillForecast.durationMs`.
 *
 * @publicApi
 */
export interface Rehearsal {
  /** The rows that were handled, those that the handler left as they are included. */
  readonly rows: readonly RehearsedRow[];
  /** How many of `rows` have not changed. */
  readonly untouched: number;
  readonly errors: readonly RehearsalError[];
  /** Batches, each in a transaction of its own. */
  readonly batches: number;
  readonly statements: RehearsedStatements;
  /** Ms that a row took, loading and flushing included; `null` where no row was handled. */
  readonly msPerRow: number | null;
  /**
   * Calls to third parties, which are not rolled back, as `context.quota()` counted them. `quota` is the name of the
   * backfill, or that of the third party in the budget.
   */
  readonly outside: readonly { readonly quota: string; readonly calls: number }[];
  /** Empty where the database does not count them. */
  readonly tables: readonly RehearsedTable[];
  /** What a run over the whole walk will cost with the config in force; `null` where nothing was measured. */
  readonly forecast: BackfillForecast | null;
  /**
   * What the handler has committed by itself, in words: that was not rolled back, and the rehearsal ended there. `null`:
   * nothing was found.
   */
  readonly committed: string | null;
  /** Why there are fewer rows than were asked for, in words; `null` where there are not. */
  readonly partial: string | null;
  /** What a reader of the result has to know. */
  readonly notes: readonly string[];
}
