import type { JsonValue, PlannedRange } from '../sources/backfill-source.js';
import type { RunStatus } from './run-status.js';
import type { RangeEntry, RangePayload } from './range-entry.js';

/** Ranges to take into a run. */
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
}

/** What became of a reservation. */
export type ReserveAnswer =
  | { readonly kind: 'reserved'; readonly first: number; readonly status: RunStatus }
  | { readonly kind: 'stale' }
  | { readonly kind: 'stopped' };

/** Whether further ranges of a run may be claimed. */
export type ClaimStatus =
  | { readonly status: 'granted' }
  /** The run is not running. */
  | { readonly status: 'stopped' }
  /** The rate is 0 or a hold is in force; `null`: an event says when that ends. */
  | { readonly status: 'held'; readonly retryInMs: number | null }
  /** The next range is due in so many ms, which is longer than a claim may wait. */
  | { readonly status: 'later'; readonly ms: number };

/** The answer to a claim. With every status but `granted` the first ranges may have been claimed all the same. */
export type ClaimAnswer = ClaimStatus & {
  /** One for each index that was answered, in order; `null`: no longer outstanding. */
  readonly claims: readonly (Claim | null)[];
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

/** What became of an acknowledgement or a settlement. */
export interface Settled {
  /** False when somebody else had settled it. */
  readonly counted: boolean;
  /** True when the next cycle should come at once. */
  readonly low: boolean;
  readonly status: RunStatus | null;
  readonly successors: readonly { readonly index: number; readonly job: string }[];
}

/** Work that takes the place of a range. */
export interface Successor {
  readonly attempts: number;
  /** Ms that it must wait before it starts. */
  readonly delayMs: number;
  readonly rows: number;
  readonly payload: RangePayload;
}

/** A failure to keep. */
export interface Quarantined {
  readonly id: string;
  readonly rows: number;
  readonly record: string;
}

/** How a range that did not simply succeed is settled. */
export interface Settlement {
  readonly entry: RangeEntry;
  readonly rowsDone: number;
  /** `replaced`: its successors stand for it. */
  readonly outcome: 'done' | 'failed' | 'replaced';
  readonly successors: readonly Successor[];
  readonly failures: readonly Quarantined[];
  /** JSON of the error, kept as the last one of the run. */
  readonly error: string;
}

/** Work without a job, or whose job is overdue. */
export interface MissingWork {
  readonly job: string;
  /** Ms that the job must still wait; below 0: it exists, but a clock that jumped keeps it waiting. */
  readonly delayMs: number;
}
