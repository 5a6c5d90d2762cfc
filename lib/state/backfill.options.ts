import type { RunStatus } from './run-status.js';
import type { BackfillConfigPatch } from '../config/backfill-config.js';

/**
 * How a run is to be started.
 *
 * @publicApi
 */
export interface StartOptions {
  /** First row, inclusive, in the order of the walk. Default: where the table begins. */
  readonly from?: unknown;
  /** Last row, inclusive, in the order of the walk. Default: where the table ends now. */
  readonly to?: unknown;
  /** Config to set before the start, as `configure` does. */
  readonly config?: BackfillConfigPatch;
  /** Runs everything in transactions that are rolled back. Default false. */
  readonly dryRun?: boolean;
  /** Why, for the history. */
  readonly reason?: string;
  /** Who, for the history. */
  readonly startedBy?: string;
  /** The same key answers the same run for a day, so that a repeated request starts nothing twice. */
  readonly idempotencyKey?: string;
}

/** Who did something, and why: kept for the history. */
export interface ActionOptions {
  readonly by?: string;
  readonly reason?: string;
}

/** What `start`, `pause`, `resume` and `cancel` answer. */
export interface RunReceipt {
  readonly runId: string;
  readonly state: RunStatus;
  /** False when nothing had to be done: it was so already. */
  readonly changed: boolean;
}

/** Which failures to retry; all of the newest run without it. */
export interface RetryOptions extends ActionOptions {
  readonly ids?: readonly string[];
  readonly runId?: string;
}

/** What `retryFailures` answers. */
export interface RetryReceipt extends RunReceipt {
  /** Failures that were taken back as work. */
  readonly retried: number;
}
