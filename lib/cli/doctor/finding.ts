/** The result of one check of `doctor`. */
export interface Finding {
  /** What was checked, such as `redis` or `backfill reencrypt-messages`. */
  readonly subject: string;
  /**
   * `problem`: backfills do not run or may lose data; `warning`: they run with less safety or speed; `skipped`: could not
   * be checked, because of a problem.
   */
  readonly level: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly message: string;
}
