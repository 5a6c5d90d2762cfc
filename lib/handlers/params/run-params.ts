import type { JsonValue } from '../../sources/backfill-source.js';

/** The parameters of a run. */
export interface RunParams {
  /** What the schema made of them, frozen: `ctx.params`. */
  readonly values: unknown;
  /** Of a run that is to be started: what it keeps of them, from which each process makes the values again. */
  readonly kept?: KeptParams;
}

/** The parameters of a run as its hash in Redis and its checkpoint in the ledger keep them. */
export interface KeptParams {
  /** What the schema is given again, as JSON. */
  readonly params: string;
  /** The same as JSON with secrets masked: what status, events, logs and the page show. */
  readonly paramsShown: string;
  /** Digest of the values; empty: they cannot be compared. */
  readonly paramsDigest: string;
}

/** What a run record has of its parameters; `null` where it was started without. */
export interface RecordedParams {
  readonly params: JsonValue;
  readonly paramsDigest: string | null;
}
