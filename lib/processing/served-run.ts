import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { Escalate } from './execution.js';

/** What a worker reports to its pool. */
export interface RunWorkerEvents {
  /** Fewer ranges are outstanding than half of the window: the next cycle should run at once. */
  readonly lowWater: () => void;
  readonly escalate: Escalate;
  /** Failures were quarantined: they may exceed `maxFailures`. */
  readonly quarantined: () => Promise<void>;
  /** So many ranges, `maxInitialFailures` or more, have failed their first attempt before anything had succeeded. */
  readonly failedInitially: (ranges: number, error: unknown) => Promise<void>;
  readonly error: (error: Error) => void;
}

/** The run that a worker serves. */
export interface ServedRun {
  readonly backfill: RegisteredBackfill;
  readonly runId: string;
  readonly dryRun: boolean;
  /** Whether the rows of the run were counted when it was started, not estimated. */
  readonly rowsExact: boolean;
  /** Whether its canary has no verdict: the time of its ranges is then counted. */
  readonly canary: boolean;
  /** Rows of the sample that the run or its canary is verified by; 0: none. */
  readonly sample: number;
  /** Table that its rows are in, for `perTable` of the budget; empty where it is not known. */
  readonly table: string;
  /** How many times it had been resumed when the worker was started. */
  readonly resumes: number;
}
