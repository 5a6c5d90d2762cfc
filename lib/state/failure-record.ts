import { createHash } from 'node:crypto';
import type { JsonValue } from '../sources/backfill-source.js';
import type { BackfillFailure } from './backfill-failure.js';
import type { StoredError } from './stored-error.js';
import { encodePayload } from './range-entry.js';
import type { RangePayload } from './range-entry.js';
import type { Quarantined } from './range-steps.js';

/** A failure as Redis and the ledger store it. */
export interface FailureRecord {
  readonly kind: 'range' | 'row';
  readonly key: JsonValue;
  readonly error: StoredError;
  readonly attempts: number;
  readonly failedAt: string;
  readonly payload: string;
  readonly rows: number;
}

/** A failure with its id and its place in the order of failures. */
export interface StoredFailure {
  readonly id: string;
  readonly sequence: number;
  readonly record: FailureRecord;
}

/**
 * Makes the record of a failure. Its id is a digest of what failed, so that a retried row that fails again is stored
 * once.
 */
export function toQuarantined(
  failure: Omit<FailureRecord, 'payload'> & { readonly payload: RangePayload },
): Quarantined {
  const payload = encodePayload(failure.payload);
  const record: FailureRecord = { ...failure, payload };
  const digest = createHash('sha1').update(payload).digest('base64url');
  return {
    id: `${failure.kind}-${digest}`,
    rows: Math.round(failure.rows),
    record: JSON.stringify(record),
  };
}

/** Reads the record that `toQuarantined` wrote. */
export function parseFailure(record: string): FailureRecord {
  return JSON.parse(record) as FailureRecord;
}

/** A stored failure, as operators see it. */
export function toPublicFailure(
  id: string,
  { kind, key, error, attempts, failedAt }: FailureRecord,
): BackfillFailure {
  return { id, kind, key, error, attempts, failedAt };
}
