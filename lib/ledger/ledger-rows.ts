import type { JsonValue } from '../sources/backfill-source.js';
import type { StoredRunStatus } from '../state/run-status.js';

/** A run in the state in which it was last written. */
export interface LedgerRun {
  id: string;
  /** Prefix of the keys in Redis, which tells apart apps that share a database. */
  scope: string;
  backfill: string;
  status: StoredRunStatus;
  statusReason: string | null;
  startedAt: Date;
  finishedAt: Date | null;
  startedBy: string | null;
  startReason: string | null;
  dryRun: boolean;
  version: string | null;
  sourceKind: string;
  partitions: JsonValue;
  /** The config in force at the start, with all defaults. */
  config: JsonValue;
  rowsTotal: number;
  planned: number;
  done: number;
  outstanding: number;
  failed: number;
  rowsDone: number;
  rowsFailed: number;
  failures: number;
  /** JSON. */
  lastError: string | null;
  /** Epoch microseconds by the clock of Redis, for optimistic locking: an older state never overwrites a newer one. */
  revision: number;
}

/** What a run is restored from: every range that is neither in `work` nor planned later counts as done. */
export interface LedgerCheckpoint {
  runId: string;
  takenAt: Date;
  revision: number;
  /** Where planning continues, by partition. */
  cursors: JsonValue;
  /** Fields of the run, as Redis stores them. */
  state: Record<string, string>;
  /** Entries of the outstanding ranges, as Redis stores them. */
  work: string[];
  /** Failures up to this sequence belong to the checkpoint. */
  failuresThrough: number;
}

/** A failure, stored until it is retried. Immutable: a retry that fails is another failure with another sequence. */
export interface LedgerFailure {
  runId: string;
  sequence: number;
  failureId: string;
  /** JSON, as Redis stores it. */
  record: string;
}

/** An action of an operator or of the library. */
export interface LedgerChange {
  id: string;
  scope: string;
  backfill: string;
  runId: string | null;
  kind: string;
  at: Date;
  by: string | null;
  reason: string | null;
  /** Config values before and after a change of the config. */
  from: JsonValue;
  to: JsonValue;
  /** The data of the history entry in Redis. */
  data: JsonValue;
}
