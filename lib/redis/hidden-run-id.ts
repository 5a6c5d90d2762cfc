/** No other run id has an underscore. */
const UNDO = '_undo';
const OTHER_DATABASE = '_db';

/** The id of a run that undoes another. */
export function undoRunId(id: string): string {
  return id + UNDO;
}

/** The id of a run whose rows are in another database than that of the module. */
export function otherDatabaseRunId(id: string): string {
  return id + OTHER_DATABASE;
}

/**
 * Whether a run is an undo, or in another database than that of the module. Its outstanding ranges and their jobs are
 * where processes of a release without these do not look: they would take its ranges for some of their source, and give
 * them to the handler.
 */
export function isHiddenRun(runId: string): boolean {
  return runId.endsWith(UNDO) || runId.endsWith(OTHER_DATABASE);
}
