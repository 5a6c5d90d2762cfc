import type { JsonValue, PlannedRange } from '../sources/backfill-source.js';
import type { BackfillEventData } from './backfill-event.js';
import type { CursorFence } from './cursor-fence.js';
import type { RunStatus } from './run-status.js';
import type { RangeEntry, RangePayload } from './range-entry.js';

/** Planned ranges to add to a run. */
export interface Reservation {
  /** Sequence of the cursors that the plan was made from. */
  readonly seq: number;
  readonly partition: string;
  /** Cursor that the plan was made from; `null` at the start. */
  readonly from: JsonValue;
  readonly cursor: JsonValue;
  readonly ranges: readonly PlannedRange[];
  /** True when no partition has anything left to plan. */
  readonly exhausted: boolean;
  readonly partitionsDone: readonly string[];
  /** How many consecutive ranges share a job. */
  readonly rangesPerJob: number;
  /** See `CursorFence`. Default: none. */
  readonly fence?: CursorFence;
  /** Fields of the run to set in the same step. Default: none. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Data of the event `verifying`. Default: no event. */
  readonly verifying?: BackfillEventData['verifying'];
  /** Rows that count as done and are found to be wrong. Default: none. */
  readonly failures?: readonly Quarantined[];
  /** Ends the run as failed, although its verification has not ended, if nothing is outstanding. Default false. */
  readonly ends?: boolean;
}

/** The answer to a reservation. */
export type ReserveAnswer =
  | { readonly kind: 'reserved'; readonly first: number; readonly status: RunStatus }
  /** The plan was made from another cursor than the current one. */
  | { readonly kind: 'stale' }
  /** The run is not running. */
  | { readonly kind: 'stopped' };

/** Whether further ranges of a run may be claimed. */
export type ClaimStatus =
  | { readonly status: 'granted' }
  /** The run is not running. */
  | { readonly status: 'stopped' }
  /** The rate is 0 or a hold is in force; `null`: an event says when that ends. */
  | { readonly status: 'held'; readonly retryInMs: number | null }
  /** The next range is due in so many ms, which is longer than a claim may wait. */
  | { readonly status: 'later'; readonly ms: number }
  /** The budget has no place for it: to be asked for again after so many ms. */
  | { readonly status: 'budget'; readonly ms: number };

/** Ranges of a process that started later than they were due. */
export interface LateRanges {
  readonly ranges: number;
  /** By how much at most. */
  readonly ms: number;
}

/** How late ranges of a process started since its last claim. */
export interface Lateness {
  /** By how much they were later than usual. */
  readonly excessMs: number;
  readonly late: LateRanges;
}

/** What a claim tells of the budget that limits it; `budget.lua` describes `text`. */
export interface BudgetClaim {
  readonly context: string;
  /** Empty where it is not known. */
  readonly table: string;
  readonly text: string;
}

/** The answer to a claim. With every status but `granted` the first ranges may have been claimed all the same. */
export type ClaimAnswer = ClaimStatus & {
  /** One for each index that was answered, in order; `null`: no longer outstanding. */
  readonly claims: readonly (Claim | null)[];
  /** The run whose turn in the budget is next, where a place is free; absent: none. */
  readonly nextRun?: string;
};

/** A claimed range, and when it is due to start. */
export interface Claim {
  readonly waitMs: number;
  /** By `performance.now()`. */
  readonly dueAt: number;
  readonly entry: RangeEntry;
}

/** Rows that a range counts for; `planned`: as many as it was planned with. */
export type RowsDone = number | 'planned';

/** A range whose rows are all done. */
export interface Acknowledgement {
  readonly entry: RangeEntry;
  readonly rows: RowsDone;
  /** Rows that were planned, are there and were not loaded. Default 0. */
  readonly missing?: number;
  /** Rows that were given to the handler again because others wrote them. Default 0. */
  readonly rechecked?: number;
}

/** The answer to acknowledgements or a settlement. */
export interface Settled {
  /** False when another worker had settled them. */
  readonly counted: boolean;
  /** True when the next cycle should come at once. */
  readonly low: boolean;
  /** Status of the run; `null` where the range or the run is gone. */
  readonly status: RunStatus | null;
  /**
   * How many ranges have failed their first attempt, with this one, where nothing has succeeded since the run was last
   * started, resumed or configured; else 0.
   */
  readonly initialFailures: number;
  readonly successors: readonly { readonly index: number; readonly job: string }[];
}

/** A range that takes the place of another. */
export interface Successor {
  readonly attempts: number;
  /** Ms before which it must not start. */
  readonly delayMs: number;
  readonly rows: number;
  readonly payload: RangePayload;
}

/** A failure to store. */
export interface Quarantined {
  readonly id: string;
  readonly rows: number;
  /** JSON, as `FailureStore` reads it. */
  readonly record: string;
}

/** The settlement of a range that did not simply succeed. */
export interface Settlement {
  readonly entry: RangeEntry;
  readonly rowsDone: number;
  /** Rows that were planned, are there and were not loaded; its successors do not count them. Default 0. */
  readonly missing?: number;
  /** Rows that were, or will be, given to the handler again because others wrote or locked them. Default 0. */
  readonly rechecked?: number;
  /** What it counts as; `replaced`: its successors count instead. */
  readonly outcome: 'done' | 'failed' | 'replaced';
  readonly successors: readonly Successor[];
  readonly failures: readonly Quarantined[];
  /** JSON of the error, stored as the last one of the run; empty for none. */
  readonly error: string;
}

/** A job without which outstanding ranges are not processed in time. */
export type JobProblem =
  /** BullMQ has no such job. It is to start after `delayMs`. */
  | { readonly kind: 'missing'; readonly job: string; readonly delayMs: number }
  /** BullMQ still delays the job, though its time is past. */
  | { readonly kind: 'overdue'; readonly job: string };
