/**
 * How much the pressure of a throttle counts, until a time.
 *
 * @publicApi
 */
export interface ThrottleOverride {
  /** Name of the throttle. */
  readonly throttle: string;
  /** What its pressure is multiplied by: below 1 loosens it, above 1 tightens it, 0 ignores it. */
  readonly factor: number;
  /** ISO time, by the clock of Redis. */
  readonly until: string;
  readonly by: string | null;
  readonly reason: string | null;
}

/** `replication-lag × 0.5 until …` or `replication-lag ignored until …`. */
export function describeOverride({
  throttle,
  factor,
  until,
}: Pick<ThrottleOverride, 'throttle' | 'factor' | 'until'>): string {
  return `${throttle} ${factor === 0 ? 'ignored' : `× ${factor}`} until ${until}`;
}
