import type { EntityManager } from '@mikro-orm/core';
import type { RunJournal } from '../journal/run-journal.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { LoadMeter } from '../pacing/concurrency/load.meter.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { RowsDone } from '../state/range-steps.js';
import type { RowSampler } from './row.sampler.js';
import { UNLIMITED_PERMITS } from './rows/row.semaphore.js';
import type { Permits } from './rows/row.semaphore.js';

/** One range to execute, or rows by their keys, and what the handler is given with it. */
export interface Execution {
  readonly backfill: RegisteredBackfill;
  readonly runId: string;
  readonly dryRun: boolean;
  /** Whether the rows of the run were counted when it was started. Default: they were estimated. */
  readonly rowsExact?: boolean;
  readonly entry: RangeEntry;
  readonly rows: RowSettings;
  /** Absent: the run has no sample. */
  readonly sampler?: RowSampler | undefined;
  /** Whether a dry run locks, compares and writes rows as a run does, in a savepoint. Default: it only writes. */
  readonly guardsDryRun?: boolean;
  /** Of a dry run. Absent: nothing looks into its transaction. */
  readonly observer?: TransactionObserver | undefined;
  /** Absent: what the handler writes is not journaled. A dry run has none, but a rehearsal may: it is rolled back, too. */
  readonly journal?: RunJournal | undefined;
  /** Aborted on pause, cancel and shutdown. */
  readonly signal: AbortSignal;
}

/** Looks into the transaction of a dry run, before and after the handler has worked in it. */
export interface TransactionObserver {
  begun(em: EntityManager): Promise<void>;
  /** Not called where the handler or the flush has failed. */
  handled(em: EntityManager): Promise<void>;
}

/**
 * The result of an execution. `missing`: rows that were planned, are there and were not loaded; `rechecked`: rows that
 * are given to the handler again because others wrote or locked them. Both 0 by default.
 */
export type Outcome =
  /** All rows are done. */
  | {
      readonly kind: 'done';
      readonly rows: RowsDone;
      readonly missing?: number;
      readonly rechecked?: number;
    }
  /** So many rows are done; others failed, or were not started before the execution was stopped. */
  | {
      readonly kind: 'partial';
      readonly rows: number;
      readonly missing?: number;
      readonly rechecked?: number;
      readonly failed: readonly FailedRow[];
      readonly remaining: readonly JsonValue[];
      /** Rows that somebody else has locked; absent: none. */
      readonly locked?: readonly JsonValue[];
    }
  /** The range failed as a whole. `progressed`: after some of its rows had been acknowledged. Default: false. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly progressed?: boolean };

/** Of an execution that succeeded. */
export type SuccessOutcome = Extract<Outcome, { readonly kind: 'done' }>;

/** Of an execution of which not every row is done. */
export type FailureOutcome = Exclude<Outcome, SuccessOutcome>;

/** A row that failed, by its key. */
export interface FailedRow {
  readonly key: JsonValue;
  readonly error: unknown;
}

/** How the rows of a range are processed. What an operator can change meanwhile is read anew for each row. */
export interface RowSettings {
  /** Rows of the range at once. */
  readonly concurrency: () => number;
  /** Measures each row; default, and `null`: nothing is measured. */
  readonly load?: () => LoadMeter | null;
  /** Row permits of the process, which all of its ranges share. */
  readonly permits: Permits;
  /** Ms that a row may take; `null`: no limit. */
  readonly timeoutMs: () => number | null;
  /** Ms after which the rows done so far are acknowledged. */
  readonly acknowledgeMs: () => number;
  readonly acquireQuota: AcquireQuota;
  /** Called with the number of calls that the handler asks `context.quota` for. Default: not called. */
  readonly onQuota?: (calls: number) => void;
  /**
   * Acknowledges that `done` more rows are done; `null`: nothing is acknowledged before the range ends. The range is
   * left with the `remaining` rows and those that are `missing`, which its settlement counts; `rechecked` more rows are
   * given to the handler again.
   */
  readonly acknowledge:
    | ((done: number, remaining: readonly JsonValue[], missing: number, rechecked: number) => Promise<void>)
    | null;
  /** Called as soon as a row fails with such an error: the other rows may still run for long. */
  readonly escalate: Escalate;
}

/**
 * Acquires one call to the third party from the quota of all processes, or from that of the budget with this name. Answers `undefined` when it was
 * granted at once, which saves a promise for each row; the promise rejects when the signal is aborted.
 */
export type AcquireQuota = (signal: AbortSignal, name?: string | null) => Promise<void> | undefined;

/**
 * Holds or pauses the run after an error that concerns more than its row or range. Answers false where it concerns
 * these alone, as others have succeeded.
 */
export type Escalate = (error: unknown) => Promise<boolean>;

/** Settings without a limit, for executions outside of a worker. */
export const UNLIMITED_ROWS: RowSettings = {
  concurrency: () => 1,
  permits: UNLIMITED_PERMITS,
  timeoutMs: () => null,
  acknowledgeMs: () => 0,
  acquireQuota: () => undefined,
  acknowledge: null,
  escalate: () => Promise.resolve(true),
};
