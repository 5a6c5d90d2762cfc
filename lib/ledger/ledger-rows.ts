import type { JsonValue } from '../sources/backfill-source.js';
import type { RunStatus } from '../state/run-status.js';

/** A run, as it was when the ledger last heard of it. */
export interface LedgerRun {
  id: string;
  /** Prefix of the keys in Redis: apps that share a database have one each. */
  scope: string;
  backfill: string;
  status: RunStatus;
  statusReason: string | null;
  startedAt: Date;
  finishedAt: Date | null;
  startedBy: string | null;
  startReason: string | null;
  dryRun: boolean;
  version: string | null;
  sourceKind: string;
  partitions: JsonValue;
  /** The whole config that was in force at the start. */
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
  /** Microseconds by the clock of Redis: an older state never overwrites a newer one. */
  revision: number;
}

/** From where a run goes on when Redis lost it: everything that is neither in `work` nor planned later is done. */
export interface LedgerCheckpoint {
  runId: string;
  takenAt: Date;
  revision: number;
  /** Where planning goes on, by partition. */
  cursors: JsonValue;
  /** Fields of the run, as Redis kept them. */
  state: Record<string, string>;
  /** Entries that were outstanding, as Redis kept them. */
  work: string[];
  /** Failures up to this sequence belong to it. */
  failuresThrough: number;
}

/** A failure that is kept until a retry succeeds. Never changed: one that fails again has another sequence. */
export interface LedgerFailure {
  runId: string;
  sequence: number;
  failureId: string;
  /** JSON, as Redis kept it. */
  record: string;
}

/** Something that somebody, or the library itself, did. */
export interface LedgerChange {
  id: string;
  scope: string;
  backfill: string;
  runId: string | null;
  kind: string;
  at: Date;
  by: string | null;
  reason: string | null;
  /** Values of the config before and after, where it was changed. */
  from: JsonValue;
  to: JsonValue;
  /** All that the history in Redis says of it. */
  data: JsonValue;
}
