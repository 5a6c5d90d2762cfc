import { backoffDelay } from './backoff-delay.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { describeRange } from '../sources/planned-range.js';
import { toQuarantined } from '../state/failure.store.js';
import type { RowsDone, Settlement, Successor } from '../state/range-steps.js';
import type { RangeEntry, RangePayload } from '../state/range-entry.js';
import { classifyError } from '../database/classify-error.js';
import type { ErrorVerdict } from '../database/classify-error.js';
import type { Outcome } from './execution.js';
import { toStoredError } from '../state/stored-error.js';

/** What is to be done about an outcome. */
export interface Decision {
  /** `ack`: it simply succeeded; `release`: it is as if it had not been begun. */
  readonly kind: 'ack' | 'release' | 'settle';
  readonly rows: RowsDone;
  readonly settlement?: Settlement;
  /** What the error asks for beyond this range. */
  readonly verdict: ErrorVerdict | null;
  readonly error: unknown;
}

/** Cuts a piece of work in two; one piece or none: it cannot be cut. */
export type Split = (entry: RangeEntry) => Promise<readonly RangePiece[]>;

/** A part of a piece of work. */
export interface RangePiece {
  readonly payload: RangePayload;
  readonly rows: number;
}

/** Decides what becomes of a piece of work, by its outcome, its attempts and the config. */
export async function decideSettlement(
  backfill: RegisteredBackfill,
  entry: RangeEntry,
  outcome: Outcome,
  config: BackfillConfig,
  split: Split,
  now: Date,
  aborted: boolean,
): Promise<Decision> {
  if (outcome.kind === 'done') {
    return { kind: 'ack', rows: outcome.rows, verdict: null, error: null };
  }
  const decided = { backfill, entry, config, now };
  return outcome.kind === 'partial'
    ? decideRows(decided, outcome, aborted)
    : decideFailure(decided, outcome.error, split, aborted);
}

interface Case {
  readonly backfill: RegisteredBackfill;
  readonly entry: RangeEntry;
  readonly config: BackfillConfig;
  readonly now: Date;
}

function decideRows(
  { entry, config, now }: Case,
  outcome: Extract<Outcome, { kind: 'partial' }>,
  aborted: boolean,
): Decision {
  const attempts = entry.attempts + 1;
  const left: JsonValue[] = [...outcome.remaining];
  const again: JsonValue[] = [];
  const failures: Settlement['failures'][number][] = [];
  let verdict: ErrorVerdict | null = null;
  let error: unknown = null;
  for (const row of outcome.failed) {
    const rowVerdict = classifyError(row.error);
    const counts = rowVerdict.kind === 'failure' || rowVerdict.kind === 'final';
    if (!counts || aborted) {
      left.push(row.key);
      verdict = counts ? verdict : rowVerdict;
    } else if (rowVerdict.kind === 'failure' && attempts < config.attempts) {
      again.push(row.key);
    } else {
      failures.push(quarantinedRow(entry, row.key, row.error, attempts, now));
    }
    error = row.error;
  }
  if (outcome.rows === 0 && again.length === 0 && failures.length === 0) {
    return { kind: 'release', rows: 0, verdict, error };
  }
  const { partition } = entry.payload;
  const successors: Successor[] = [];
  if (left.length > 0) {
    successors.push(successor({ kind: 'rows', partition, keys: left }, left.length, entry.attempts, 0));
  }
  if (again.length > 0) {
    const delay = backoffDelay(attempts, config.backoffMs);
    successors.push(successor({ kind: 'rows', partition, keys: again }, again.length, attempts, delay));
  }
  const settlement: Settlement = {
    entry,
    rowsDone: outcome.rows,
    outcome: successors.length > 0 ? 'replaced' : 'done',
    successors,
    failures,
    error: error === null ? '' : lastError(error, now),
  };
  return { kind: 'settle', rows: outcome.rows, settlement, verdict, error };
}

async function decideFailure(
  { backfill, entry, config, now }: Case,
  error: unknown,
  split: Split,
  aborted: boolean,
): Promise<Decision> {
  const verdict = classifyError(error);
  if (aborted || (verdict.kind !== 'failure' && verdict.kind !== 'final')) {
    return { kind: 'release', rows: 0, verdict: aborted ? null : verdict, error };
  }
  const attempts = entry.attempts + 1;
  const base = { entry, rowsDone: 0, error: lastError(error, now) };
  if (verdict.kind === 'failure' && attempts < config.attempts) {
    const delay = backoffDelay(attempts, config.backoffMs);
    const successors = [successor(entry.payload, entry.rows, attempts, delay)];
    const settlement: Settlement = { ...base, outcome: 'replaced', successors, failures: [] };
    return { kind: 'settle', rows: 0, settlement, verdict, error };
  }
  const pieces = await split(entry);
  if (pieces.length > 1) {
    // Each half gets one try, so that a bad row is found in as many steps as the range has halvings.
    const successors = pieces.map(({ payload, rows }) => successor(payload, rows, config.attempts - 1, 0));
    const settlement: Settlement = { ...base, outcome: 'replaced', successors, failures: [] };
    return { kind: 'settle', rows: 0, settlement, verdict, error };
  }
  const failed = quarantined(backfill, entry, pieces[0]?.payload ?? entry.payload, error, attempts, now);
  const settlement: Settlement = {
    ...base,
    outcome: failed.kind === 'row' ? 'done' : 'failed',
    successors: [],
    failures: [failed.failure],
  };
  return { kind: 'settle', rows: 0, settlement, verdict, error };
}

function quarantined(
  backfill: RegisteredBackfill,
  entry: RangeEntry,
  payload: RangePayload,
  error: unknown,
  attempts: number,
  now: Date,
) {
  // A source that can halve its ranges and could not halve this one is down to a single row.
  const kind = payload.kind === 'rows' || backfill.source.split ? 'row' : 'range';
  const key =
    payload.kind === 'rows'
      ? payload.keys.length === 1
        ? (payload.keys[0] ?? null)
        : payload.keys
      : describeRange(backfill.source, payload.range);
  const failure = toQuarantined({
    kind,
    key,
    error: toStoredError(error),
    attempts,
    failedAt: now.toISOString(),
    payload,
    rows: kind === 'row' ? 1 : entry.rows,
  });
  return { kind, failure } as const;
}

function quarantinedRow(entry: RangeEntry, key: JsonValue, error: unknown, attempts: number, now: Date) {
  return toQuarantined({
    kind: 'row',
    key,
    error: toStoredError(error),
    attempts,
    failedAt: now.toISOString(),
    payload: { kind: 'rows', partition: entry.payload.partition, keys: [key] },
    rows: 1,
  });
}

function successor(payload: RangePayload, rows: number, attempts: number, delayMs: number): Successor {
  return { payload, rows, attempts, delayMs };
}

function lastError(error: unknown, now: Date): string {
  return JSON.stringify({ ...toStoredError(error), at: now.toISOString() });
}
