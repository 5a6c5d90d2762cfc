/**
 * How batch and row handlers are guarded against lost updates: the app may write a row while its handler works on it.
 *
 * - `recheck`: rows are loaded without a lock. Before their changes are flushed, the rows are locked and compared with
 *   what was loaded, in the transaction of the flush. A row that others wrote meanwhile is left out, loaded again and
 *   given to the handler again; so is one that somebody else has locked. That uses no attempt up to ten times.
 * - `{ columns }`: as `recheck`, but compares these properties only, for rows with a column that others always write.
 * - `lock`: rows are locked in the transaction that also calls the handler and flushes, so that others wait until the batch
 *   is done. Of batch handlers only, and only for those that take much less than a second.
 * - `none`: the handler's changes overwrite what others wrote to the same columns meanwhile.
 *
 * @publicApi
 */
export type BackfillGuard = 'recheck' | 'lock' | 'none' | { readonly columns: readonly string[] };
