import type { BackfillConfig } from '../config/backfill-config.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { ForecastOutcome } from './backfill-forecast.js';
import type { BackfillEventType } from './backfill-event.js';
import type { CanaryStatus } from './canary.js';
import type { RunStatus } from './run-status.js';
import type { VerificationResult } from './verification.js';

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
  /** When it should have ended; `null`: it was started without such a time. */
  readonly finishBy: string | null;
  readonly startedBy: string | null;
  readonly reason: string | null;
  readonly dryRun: boolean;
  readonly version: string | null;
  /** Its parameters, with secret ones as `***`; `null` where it was started without. */
  readonly params: JsonValue;
  readonly planned: number;
  readonly done: number;
  readonly outstanding: number;
  readonly failed: number;
  readonly rowsDone: number;
  readonly rowsFailed: number;
  /** Rows that were planned, were not loaded, and are not known to be gone. */
  readonly rowsMissing: number;
  /** How many times rows were given to the handler again because others wrote or locked them meanwhile. */
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
  /** What it was forecast to cost, and what has come true; `null`: it was not rehearsed before. */
  readonly forecast: ForecastOutcome | null;
  readonly rowsTotal: number | null;
  readonly failures: number;
  /** The config that it was started with; `null` where a process of an earlier version has started it. */
  readonly configAtStart: BackfillConfig | null;
  /** The config in force at its end, or now; `null` where only processes of an earlier version have worked on it. */
  readonly config: BackfillConfig | null;
  /** Changes of the run, oldest first; only with `ledger: true`. */
  readonly changes?: readonly BackfillChange[];
}

/**
 * A change of a run or of the config, by an operator or by the library itself.
 *
 * @publicApi
 */
export interface BackfillChange {
  readonly kind: BackfillEventType | 'retried';
  /** ISO time, by the clock of Redis. */
  readonly at: string;
  readonly by: string | null;
  readonly reason: string | null;
  /** Values of the config before the change; `null` where the config did not change. */
  readonly from: JsonValue;
  /** Values of the config after the change. */
  readonly to: JsonValue;
}
