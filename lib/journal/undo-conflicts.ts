import type { JsonValue } from '../sources/backfill-source.js';
import type { ConflictReason } from './journal.entities.js';

/**
 * A row that an undo has left as it is.
 *
 * @publicApi
 */
export interface UndoConflict {
  /** Quoted as SQL writes it, with its schema where it has one. */
  readonly table: string;
  /** The primary key as text; of several columns, a list of texts. */
  readonly key: JsonValue;
  /**
   * `changed`: others have written it since. `gone`: others have deleted it. `exists`: it was deleted by the run, and others
   * have inserted a row with its key. `blocked`: it was deleted by the run, and another row has one of its unique values.
   */
  readonly reason: ConflictReason;
  /** Columns that the run had changed, which have not been given back. */
  readonly columns: readonly string[];
}

/**
 * A page of conflicts.
 *
 * @publicApi
 */
export interface UndoConflictPage {
  readonly items: readonly UndoConflict[];
  /** `after` of the next page; `null`: this is the last. */
  readonly next: string | null;
}

/**
 * Which conflicts to list.
 *
 * @publicApi
 */
export interface UndoConflictRequest {
  /** The run that undid another. Default: the newest undo among the last 100 runs. */
  readonly runId?: string;
  /** Most conflicts to return, 1 to 1000. Default 50. */
  readonly limit?: number;
  /** The `next` of the previous page. */
  readonly after?: string;
}
