/** No other run id has an underscore. */
const SUFFIX = '_undo';

/** The id of a run that undoes another. */
export function undoRunId(id: string): string {
  return id + SUFFIX;
}

/**
 * Whether a run undoes another. Its outstanding ranges and their jobs are where processes of a release without undo do not
 * look: they would take its ranges for some of their source, and give them to the handler.
 */
export function isUndoRun(runId: string): boolean {
  return runId.endsWith(SUFFIX);
}
