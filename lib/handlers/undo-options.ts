/**
 * What `undo` of `@Backfill` asks for.
 *
 * @publicApi
 */
export interface BackfillUndoOptions {
  /**
   * Properties of the entity of the source that an undo gives back, as the entity names them. A row that others change in
   * other columns is no conflict. Default: all that the handler changes.
   */
  readonly columns?: readonly string[];
  /** Days for which the journal of a run is kept after its last write. A whole number from 1 to 3650. Default 14. */
  readonly keepDays?: number;
  /** Rows in the journal of a run after which the run pauses itself. A whole number from 1. Default: no limit. */
  readonly maxRows?: number;
}

/** What undoing the runs of a backfill needs, with all defaults. */
export interface UndoSettings {
  readonly columns: readonly string[] | null;
  readonly keepDays: number;
  readonly maxRows: number | null;
}
