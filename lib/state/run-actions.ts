import type { ExpectedLateness } from './limiting-factor.js';
import type { RunStatus } from './run-status.js';
import type { CanaryOptions } from '../config/canary-options.js';
import type { VerifyOptions } from '../config/verify-options.js';
import type { BackfillConfigPatch } from '../config/backfill-config.js';

/**
 * Options of `start`.
 *
 * @publicApi
 */
export interface StartOptions {
  /** First row, inclusive, in the order of the source. Default: the first row of the table. */
  readonly from?: unknown;
  /** Last row, inclusive, in the order of the source. Default: the last row that exists at the start. */
  readonly to?: unknown;
  /**
   * Parameters of the run, parsed with `params` of `@Backfill` before the run exists. They cannot be changed afterwards.
   * They are kept as JSON: a `Date` as ISO text and a `bigint` as decimal text. Default: none.
   */
  readonly params?: unknown;
  /** Config values to set before the start, as `configure` does. */
  readonly config?: BackfillConfigPatch;
  /**
   * Runs everything in transactions that are rolled back. A row handler then gets the rows of a range one at a time, each
   * within a savepoint where the database has them. Default false.
   */
  readonly dryRun?: boolean;
  /**
   * Verifies the run once it is through with its walk: `true`, or how. Options that are not given are those of
   * `@Backfill`. Default: as `verify` of `@Backfill` says; dry runs are not verified.
   */
  readonly verify?: boolean | VerifyOptions;
  /**
   * Hands out so many rows, with any number of processes, and then pauses the run with a verdict; `resume` goes on in the
   * same run, without the limit. A run with fewer rows goes on by itself. A failure above `maxFailures` pauses it earlier.
   * The rows are counted when they are planned, so the source has to count them: see `planExact` of `BackfillSource`.
   * Default: no canary.
   */
  readonly canary?: CanaryOptions;
  /**
   * When the run should have ended, as information: it changes no rate. Where the run is expected to end later, `late` of
   * the status says by how much and what stands in the way. It cannot be changed later. Default: no such time.
   */
  readonly finishBy?: Date | string | number;
  /** Reason, for the history. */
  readonly reason?: string;
  /** Name of the operator, for the history. */
  readonly startedBy?: string;
  /** For a day, a request with the same key returns the run that the first one started and starts no other. */
  readonly idempotencyKey?: string;
}

/**
 * Who did something and why, for the history.
 *
 * @publicApi
 */
export interface ActionOptions {
  /** Name of the operator. */
  readonly by?: string;
  readonly reason?: string;
}

/**
 * Options of `undo`.
 *
 * @publicApi
 */
export interface UndoOptions extends ActionOptions {
  /** The run that is undone. */
  readonly runId: string;
}

/**
 * Options of `resume`.
 *
 * @publicApi
 */
export interface ResumeOptions extends ActionOptions {
  /**
   * Version of the handler that a paused run goes on with: from then on processes of any other version are refused where
   * `onOtherVersion` is `hold`. Their ranges that are not done are processed again with this version. Default: the version
   * of the run.
   */
  readonly adoptVersion?: string;
}

/**
 * Options of `configure`.
 *
 * @publicApi
 */
export interface ConfigureOptions extends ActionOptions {
  /**
   * Optimistic locking: the change is rejected unless this is the version in force, as `config` returned it. Default:
   * any version.
   */
  readonly version?: string;
}

/**
 * Result of `start`, `pause`, `resume` and `cancel`.
 *
 * @publicApi
 */
export interface RunReceipt {
  readonly runId: string;
  readonly state: RunStatus;
  /** False when nothing had to change, as when a paused run is paused. */
  readonly changed: boolean;
  /**
   * Of a start with `finishBy` that started a run: by how much the run is expected to end later, by the forecast of a rehearsal
   * within the last hour, or else by the rates of its config; `null` where it is expected to end in time, or that is not known.
   */
  readonly late?: ExpectedLateness | null;
  /**
   * Of a backfill whose partitions are in several databases: what became of each. `runId` is then the ids of their newest runs,
   * joined by `+`, with `-` for none.
   */
  readonly databases?: readonly DatabaseReceipt[];
}

/**
 * What became of one of several databases.
 *
 * @publicApi
 */
export interface DatabaseReceipt {
  /** Name of the backfill of this database. */
  readonly backfill: string;
  /** `null` where it was refused, as `state` is. */
  readonly runId: string | null;
  readonly state: RunStatus | null;
  readonly changed: boolean;
  /** Why it was refused: its database is down, or there is nothing to pause or to resume; `null`: it was not. */
  readonly error: string | null;
}

/**
 * The failures to retry.
 *
 * @publicApi
 */
export interface RetryOptions extends ActionOptions {
  /** Once it is aborted, no further page of failures is retried. Default: all are. */
  readonly signal?: AbortSignal;
  /** Default: all failures of the run that it has when the retry begins; those that fail again are not retried twice. */
  readonly ids?: readonly string[];
  /** Only failures of the group of this id, as `failureGroups` returns it. Not together with `ids`. */
  readonly group?: string;
  /** Default: the newest run. */
  readonly runId?: string;
  /** Version of the handler that a run which has ended goes on with. Default: the version of the run. */
  readonly adoptVersion?: string;
}

/**
 * Result of `retryFailures`.
 *
 * @publicApi
 */
export interface RetryReceipt extends RunReceipt {
  /** Failures that became outstanding work again by this call; those that fail again meanwhile count once. */
  readonly retried: number;
  /** Those of the given `ids` that are ids of no failure of the run: they never were, or another call has retried them. */
  readonly unknownIds: readonly string[];
}
