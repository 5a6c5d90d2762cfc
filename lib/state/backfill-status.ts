import type { JsonValue } from '../sources/backfill-source.js';
import type { BackfillEventType } from './backfill-event.js';
import type { RunStatus } from './run-status.js';

/** The rate in force and why. */
export interface RateStatus {
  /** Ranges a second; `null` is unpaced, `0` holds. */
  readonly perSecond: number | null;
  /** Such as `on peak`, `off peak`, `held`, or what holds it and until when. */
  readonly reason: string;
}

/** An error as it is kept: bounded in size. */
export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** The last error of a run, whatever became of the range that met it. */
export interface LastError extends StoredError {
  /** ISO time. */
  readonly at: string;
}

/**
 * What an operator wants to know of a backfill. `planned`, `done`, `outstanding` and `failed` count
 * ranges; times are ISO strings.
 *
 * @publicApi
 */
export interface BackfillStatus {
  readonly name: string;
  readonly description: string | null;
  /** `idle` before the first run. */
  readonly state: RunStatus | 'idle';
  /** Why it is in that state, where somebody or something gave a reason. */
  readonly stateReason: string | null;
  readonly runId: string | null;
  readonly dryRun: boolean;
  readonly planned: number;
  readonly done: number;
  readonly outstanding: number;
  readonly failed: number;
  readonly rowsDone: number;
  readonly rowsFailed: number;
  readonly rowsTotal: number | null;
  /** How `rowsTotal` is known. */
  readonly rowsTotalKind: 'exact' | 'estimated' | null;
  /** 0 to 100, one decimal; 100 only when the run is over. */
  readonly percent: number;
  /** Over the last minute. */
  readonly rangesPerSecond: number;
  /** Over the last minute. */
  readonly rowsPerSecond: number;
  /** When the run will be through by its rate, its speed and its peak hours; `null`: not to be told. */
  readonly eta: string | null;
  readonly rate: RateStatus;
  /** Calls a second that the quota, or what a third party asked for, lets through; `null`: no limit is known. */
  readonly callsPerSecond: number | null;
  /** Processes that hold workers for it now. */
  readonly workers: number;
  /** What needs attention, such as a running run without workers. */
  readonly warnings: readonly string[];
  /** Where planning goes on; by partition where the source has several. */
  readonly cursor: JsonValue;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly startedBy: string | null;
  readonly reason: string | null;
  readonly lastError: LastError | null;
}

/**
 * One execution of a backfill, as `runs` lists it, newest first.
 *
 * @publicApi
 */
export interface BackfillRun {
  readonly id: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly statusReason: string | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly startedBy: string | null;
  readonly reason: string | null;
  readonly dryRun: boolean;
  readonly version: string | null;
  readonly planned: number;
  readonly done: number;
  readonly outstanding: number;
  readonly failed: number;
  readonly rowsDone: number;
  readonly rowsFailed: number;
  readonly rowsTotal: number | null;
  readonly failures: number;
  /** What was done to it, oldest first: kept where `ledger: true`. */
  readonly changes?: readonly BackfillChange[];
}

/**
 * Something that was done to a run, by an operator or by the library itself.
 *
 * @publicApi
 */
export interface BackfillChange {
  readonly kind: BackfillEventType | 'retried';
  /** ISO time, by the clock of Redis. */
  readonly at: string;
  readonly by: string | null;
  readonly reason: string | null;
  /** Values of the config before it was changed; `null` where something else was done. */
  readonly from: JsonValue;
  /** Values of the config from then on. */
  readonly to: JsonValue;
}

/**
 * A range or a row that used up its attempts, kept with its error until a retry succeeds.
 *
 * @publicApi
 */
export interface BackfillFailure {
  readonly id: string;
  readonly kind: 'range' | 'row';
  /** The key of the row, or the range as its source describes it; bigint keys are strings. */
  readonly key: JsonValue;
  readonly error: StoredError;
  readonly attempts: number;
  /** ISO time. */
  readonly failedAt: string;
}

/** One page of failures, oldest first. */
export interface FailurePage {
  readonly items: readonly BackfillFailure[];
  /** Cursor of the next page; `null` at the end. */
  readonly next: string | null;
}

/** Which page of failures: `limit` 1 to 1000 (default 50), `after` as `next` gave it. */
export interface FailurePageRequest {
  readonly after?: string;
  readonly limit?: number;
  /** Default: the newest run. */
  readonly runId?: string;
}
