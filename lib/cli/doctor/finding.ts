/** What `doctor` found out about one thing. */
export interface Finding {
  /** What was looked at, such as `redis` or `source reencrypt-messages`. */
  readonly subject: string;
  /** `problem`: backfills do not work, or may lose work; `warning`: they work worse than they could. */
  readonly level: 'ok' | 'warning' | 'problem';
  readonly message: string;
}
