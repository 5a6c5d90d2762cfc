/** The states of a canary. */
export const CANARY_STATES = ['running', 'passed', 'failed'] as const;

/**
 * State of a canary. `running`: it has no verdict, because its rows are not all done, or because the run was cancelled
 * before they were.
 *
 * @publicApi
 */
export type CanaryState = (typeof CANARY_STATES)[number];

/**
 * What a canary has found.
 *
 * @publicApi
 */
export interface CanaryVerdict {
  readonly passed: boolean;
  /** Why it passed or failed, in words. It is also the reason of the pause. */
  readonly reason: string;
  /** Rows that succeeded. */
  readonly rowsDone: number;
  /** Rows that failed for good. */
  readonly rowsFailed: number;
  /** Failures of the run, those of `verified` among them: a failure is a row, or a range that could not be split. */
  readonly failures: number;
  /** Rows that were planned, are there and were not loaded. With any, the canary fails. */
  readonly rowsMissing: number;
  /**
   * Rows of ranges that were claimed again, as far as it is known: after a crash, a pause, a failed attempt or a split. The
   * handler may not have got to some of them the first time.
   */
  readonly rowsRepeated: number;
  /** How many times rows were given to the handler again because others wrote or locked them meanwhile. */
  readonly rowsRechecked: number;
  /** How many times the run was held, or slowed down by its throttles. */
  readonly throttles: number;
  /** Ms from the start of the run to the verdict, pauses included. */
  readonly durationMs: number;
  /** Ms that ranges took for each of their rows, load and flush included, without those that failed; `null`: not measured. */
  readonly msPerRow: number | null;
  /** What `verify.row` or `verifyRow` says of the rows; `null` where the handler has neither, or failures came before. */
  readonly verified: CanaryVerification | null;
}

/**
 * What `verify.row` or `verifyRow` says of a sample of the rows of a canary.
 *
 * @publicApi
 */
export interface CanaryVerification {
  /** Rows that were read again and verified: at most 1,000, or as many as `verify.sample` says. */
  readonly sampled: number;
  /** Those of them that are wrong; each is a failure of the run, which `retryFailures` takes. */
  readonly mismatched: number;
}

/**
 * The canary of a run, as a status shows it.
 *
 * @publicApi
 */
export interface CanaryStatus {
  /** Most rows to hand out. */
  readonly rows: number;
  /** Most failures with which it passes. */
  readonly maxFailures: number;
  /** Rows handed out so far: planned for the workers. Never more than `rows`. */
  readonly handedOut: number;
  readonly state: CanaryState;
  /** `null` while it has none. */
  readonly verdict: CanaryVerdict | null;
}

/** How far the sample of a canary is verified, as the run hash stores it. */
export interface CanarySample {
  /** Rows that were read, those that are gone among them. */
  readonly read: number;
  readonly sampled: number;
  readonly mismatched: number;
}

/** A verdict as the script stores it. */
export type StoredVerdict = Omit<CanaryVerdict, 'verified'> & { readonly verified: CanarySample | null };

/** The canary of a run, as its hash stores it. */
export interface Canary {
  readonly rows: number;
  readonly maxFailures: number;
  readonly handedOut: number;
  readonly state: CanaryState;
  /** Most rows of the sample that is verified before the verdict; 0: there is none. */
  readonly sample: number;
  readonly verified: CanarySample | null;
  readonly verdict: StoredVerdict | null;
}

/** The canary as a status shows it. */
export function canaryStatus(canary: Canary | null): CanaryStatus | null {
  if (!canary) {
    return null;
  }
  const { rows, maxFailures, handedOut, state, verdict } = canary;
  return { rows, maxFailures, handedOut, state, verdict: verdict && publicVerdict(verdict) };
}

function publicVerdict({ verified, ...verdict }: StoredVerdict): CanaryVerdict {
  return {
    ...verdict,
    verified: verified ? { sampled: verified.sampled, mismatched: verified.mismatched } : null,
  };
}

/** The fields of a run that is started with a canary; the scripts read and count them. */
export function canaryFields(
  { rows, maxFailures }: { readonly rows: number; readonly maxFailures: number },
  sample: number,
): Record<string, string | number> {
  return {
    canary: 'running',
    canaryRows: rows,
    canaryMaxFailures: maxFailures,
    canaryHandedOut: 0,
    canarySample: sample,
    ...(sample > 0 ? { canaryPending: 1 } : {}),
  };
}

/** Whether the run hands out no more rows than those of its canary. */
export function isLimited(canary: Canary | null): canary is Canary {
  return canary?.state === 'running';
}
