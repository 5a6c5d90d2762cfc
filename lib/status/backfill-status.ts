import type { ForecastOutcome } from '../state/backfill-forecast.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { CanaryStatus } from '../state/canary.js';
import type { BudgetLimitStatus } from './budget-limit.js';
import type { LateStatus } from '../state/limiting-factor.js';
import type { RunStatus } from '../state/run-status.js';
import type { StallStatus } from '../state/stall.js';
import type { LastError } from '../state/stored-error.js';
import type { ThrottleOverride } from '../state/throttle-override.js';
import type { VerificationResult } from '../state/verification.js';

/**
 * The rate in force and the reason for it.
 *
 * @publicApi
 */
export interface RateStatus {
  /** Ranges a second; `null` is unpaced, `0` holds. */
  readonly perSecond: number | null;
  /** For example `on peak`, `off peak`, `held`, or the reason of a hold and its end. */
  readonly reason: string;
}

/**
 * How much each process works on at once, where that has bounds in the config and not a number.
 *
 * @publicApi
 */
export interface ConcurrencyStatus {
  /** What a process does at once: ranges, or for row handlers rows. */
  readonly unit: 'ranges' | 'rows';
  /** An average over time where it is no whole number; below `min` where a throttle makes processes rest. */
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** Why `value` is what it is, such as `lowered: replication lag 12.0 s`. */
  readonly reason: string;
  /** When `value` was last changed. */
  readonly since: string;
}

/**
 * Why a running run starts nothing now.
 *
 * @publicApi
 */
export interface HoldStatus {
  /** `all`: all runs are held, see `BackfillService.hold`; `run`: this one alone. */
  readonly scope: 'all' | 'run';
  /** Who holds all runs; `null` where no name was given, and of a hold of this run alone. */
  readonly by: string | null;
  /** In words, without its times, for example `replication lag 48 s` or `the configured rate is 0`. */
  readonly reason: string;
  /** `null` where it is not known. */
  readonly since: string | null;
  /** `null` where the end is not known, as that of a throttle. */
  readonly until: string | null;
}

/**
 * A partition of the source of a run: a shard or a tenant.
 *
 * @publicApi
 */
export interface PartitionStatus {
  readonly name: string;
  /** Where planning continues; `null` at its beginning. */
  readonly cursor: JsonValue;
  /** Rows that are through: done, or failed for good. `null` where processes that do not count them have worked on the run. */
  readonly rows: number | null;
  /** Rows between its bounds, counted or estimated; `null` where the source does not tell. */
  readonly rowsTotal: number | null;
  /** 0 to 100, one decimal; `null` where `rows` or `rowsTotal` is. */
  readonly percent: number | null;
  /** Over the last minute; `null` where the run is not running, or it is not known yet. */
  readonly rowsPerSecond: number | null;
  /** Name of its backfill, where the partitions are in several databases; its state and its hold are those of that backfill. */
  readonly backfill?: string;
  readonly state?: RunStatus | 'idle';
  readonly held?: HoldStatus | null;
}

/**
 * Status of a backfill: of its active run, else of its newest. `planned`, `done`, `outstanding` and `failed` count
 * ranges; times are ISO strings by the clock of Redis.
 *
 * @publicApi
 */
export interface BackfillStatus {
  readonly name: string;
  /** When this status was read, by the clock of Redis: what other times are to be compared with. */
  readonly now: string;
  readonly description: string | null;
  /** `idle` before the first run. */
  readonly state: RunStatus | 'idle';
  /**
   * Since when `state` holds: start, pause, resumption, end, or beginning of the verification. `null` before the first run,
   * and where it is not known, as of a run that processes of an earlier version have moved.
   */
  readonly stateSince: string | null;
  /** Reason of the state, where an operator or the library gave one. */
  readonly stateReason: string | null;
  /**
   * Who paused a run that is paused: an operator, or `nestjs-backfill` itself, as where its state is corrupt; `null` where
   * that is not known.
   */
  readonly pausedBy: string | null;
  readonly runId: string | null;
  readonly dryRun: boolean;
  /** Version of the handler that the run was started with, or of the last one that it adopted; `null` for none. */
  readonly version: string | null;
  /**
   * What to pass as `adoptVersion` to `resume`, or to `retryFailures` of a run that has ended, to have the run go on with
   * the handler of this process; `null` where that needs no adoption, or the handler has no version.
   */
  readonly adoptVersion: string | null;
  /** Parameters of the run, with secret ones as `***`; `null` where it was started without. */
  readonly params: JsonValue;
  /**
   * JSON Schema of the parameters that a run is started with; `null` where the handler takes none, its schema cannot be
   * expressed so, or this app has no handler.
   */
  readonly paramsSchema: JsonValue;
  /** Whether the handler takes parameters, with or without a JSON Schema of them. */
  readonly takesParams: boolean;
  readonly planned: number;
  readonly done: number;
  readonly outstanding: number;
  readonly failed: number;
  readonly rowsDone: number;
  readonly rowsFailed: number;
  /**
   * Rows that were planned, were not loaded for a batch or row handler, and are not known to have been deleted or to no
   * longer match. With any, the run ends as `failed`.
   */
  readonly rowsMissing: number;
  /**
   * How many times rows were given to a batch or row handler again, because others wrote or locked them between load and
   * flush, or because the database aborted a transaction of a row handler on contention: a row that was handled three
   * times counts twice. Many, beside `rowsDone`, mean that the app writes these rows all the time: use smaller batches, or
   * guard fewer columns.
   */
  readonly rowsRechecked: number;
  /**
   * Rows in the journal of the run, which `undo` can give their old values back; about, as a row that was written again
   * may count again. 0 without the option `undo`.
   */
  readonly journaled: number;
  /** Id of the run that this run undoes; `null`: it is no undo. */
  readonly undoes: string | null;
  /** Rows that an undo has left as they are, because others have written them: `undoConflicts` lists them. */
  readonly conflicts: number;
  /** What the verification of the run has found so far; `null` where the run is not verified. */
  readonly verified: VerificationResult | null;
  /** The first rows of the run, after which it pauses itself; `null` where it was started without a canary. */
  readonly canary: CanaryStatus | null;
  readonly rowsTotal: number | null;
  /** Whether `rowsTotal` was counted or estimated. */
  readonly rowsTotalKind: 'exact' | 'estimated' | null;
  /** 0 to 100, one decimal; 100 only when the run has ended. */
  readonly percent: number;
  /** Over the last minute. */
  readonly rangesPerSecond: number;
  /** Over the last minute. */
  readonly rowsPerSecond: number;
  /**
   * Estimated end of the walk, by the rate in force: config, peak hours, pressure of the throttles, quota, and the speed of
   * the workers where these are slower. `null` where nothing moves (paused, held without a known end, `stalled`, no workers),
   * while the run is verified, and where the speed is not known yet.
   */
  readonly eta: string | null;
  /** When the run should have ended, as `start` was told; `null`: it was told no time. It changes no rate. */
  readonly finishBy: string | null;
  /**
   * Of an active run that is expected to end after `finishBy`: by how much, and what delays it most. `null` where it is
   * expected to end in time, or that is not known. Where nothing moves, it is as if the run went on now at the rates of its
   * config.
   */
  readonly late: LateStatus | null;
  /** What the run was forecast to cost when it was started, and what has come true; `null`: it was not rehearsed before. */
  readonly forecast: ForecastOutcome | null;
  readonly rate: RateStatus;
  /** The budget that all runs share, where it is what limits this run now; `null` where it is not. */
  readonly budget: BudgetLimitStatus | null;
  /**
   * Of a running run whose `concurrency` or `rowConcurrency` has bounds: what it is now, and why; else `null`. Throttles then
   * change it and not the rate, until their pressure is 1.
   */
  readonly concurrency: ConcurrencyStatus | null;
  /**
   * Why the run starts nothing now, although it is running; `null` where it does. After a hold, such as that of an outage, it
   * stays until something is done, 10 seconds at most.
   */
  readonly held: HoldStatus | null;
  /** When something was last done: a range or rows of one, or a step of the verification; `null` where that is not known. */
  readonly activeAt: string | null;
  /**
   * Since when a run does nothing that is running and not held and has workers, and what it waits for: nothing was done for ten
   * times as long as usual, and for `stalledAfter` of the module. `null` of a run that is not stalled.
   */
  readonly stalled: StallStatus | null;
  /** Highest pressure of the throttles of a running run: 0 leaves the rate as it is, 1 holds the run. */
  readonly throttlePressure: number;
  /** Throttles of the handler in this process, by name; empty without a handler. */
  readonly throttles: readonly string[];
  /** Overrides of its throttles that are in force. */
  readonly overrides: readonly ThrottleOverride[];
  /** Calls per second that the quota or the rate limit of a third party allows; `null` where no limit is known. */
  readonly callsPerSecond: number | null;
  /** Processes that run workers for it now. */
  readonly workers: number;
  /** Problems that need attention, for example a running run without workers. */
  readonly warnings: readonly string[];
  /** Where planning continues; by partition where the source has several. */
  readonly cursor: JsonValue;
  /** The partitions of the source, in its order; empty where it has only one. */
  readonly partitions: readonly PartitionStatus[];
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly startedBy: string | null;
  readonly reason: string | null;
  readonly lastError: LastError | null;
}
