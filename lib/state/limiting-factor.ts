/**
 * What keeps a run from ending earlier:
 *
 * - `paused`, `held`, `stalled`, `workers` (no process has any): it does not go on now
 * - `verification`: it is through with its walk, and is being verified
 * - `throttle`, `override` (a throttle that is tightened), `quota`, `budget`: what slows it down
 * - `rate`: the configured rate on peak or off peak; `concurrency`: the speed of the workers; `failures`: most attempts fail
 *
 * @publicApi
 */
export const LIMITING_KINDS = [
  'paused',
  'held',
  'stalled',
  'workers',
  'verification',
  'throttle',
  'override',
  'quota',
  'budget',
  'rate',
  'concurrency',
  'failures',
] as const;

/**
 * One of `LIMITING_KINDS`.
 *
 * @publicApi
 */
export type LimitingKind = (typeof LIMITING_KINDS)[number];

/**
 * The setting or the throttle that delays the end of a run most.
 *
 * @publicApi
 */
export interface LimitingFactor {
  readonly kind: LimitingKind;
  /**
   * A key of the config (`perSecondOnPeak`, `concurrency`, `quota`) or the budget, a throttle, what a stalled run waits for, or
   * who paused or holds the run; `null` where it has no name.
   */
  readonly name: string | null;
  /** Its value: the rate, the concurrency, the calls a second, the pressure, the factor or the share; `null` where it has none. */
  readonly value: number | null;
  /** In words. */
  readonly reason: string;
}

/**
 * A run that is expected to end later than it should.
 *
 * @publicApi
 */
export interface ExpectedLateness {
  /** When it is expected to end; `null` where nothing moves, or it is not known. */
  readonly eta: string | null;
  /** Ms after `finishBy`, at the least. */
  readonly by: number;
  /** What delays the end most; `null` where that is not known. */
  readonly limitedBy: LimitingFactor | null;
}

/**
 * A run that is expected to end later than it should, in its status.
 *
 * @publicApi
 */
export interface LateStatus extends ExpectedLateness {
  /** Since when that is expected. */
  readonly since: string;
}

/** `throttle postgres-replication-lag: replication lag 48 s`. */
export function describeLimit({ kind, name, reason }: LimitingFactor): string {
  const isNamed = name !== null && (kind === 'throttle' || kind === 'rate' || kind === 'concurrency');
  return isNamed ? `${kind === 'throttle' ? 'throttle ' : ''}${name}: ${reason}` : reason;
}

/** The run of several that is expected to end latest after its time; `null` where none is. */
export function latestOf<Lateness extends ExpectedLateness>(
  expected: readonly (Lateness | null | undefined)[],
): Lateness | null {
  const late = expected.filter((each) => each !== null && each !== undefined);
  return late.toSorted((a, b) => b.by - a.by)[0] ?? null;
}
