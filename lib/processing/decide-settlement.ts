import type { BackfillConfig } from '../config/backfill-config.js';
import { classifyError, concernsRun, isContended, mayConcernRow } from '../database/classify-error.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { describeRange } from '../sources/planned-range.js';
import { toQuarantined } from '../state/failure-record.js';
import { rowsOf } from '../state/range-entry.js';
import type { RangeEntry, RangePayload } from '../state/range-entry.js';
import type { Quarantined, RowsDone, Settlement, Successor } from '../state/range-steps.js';
import { toStoredError } from '../state/stored-error.js';
import type { StoredError } from '../state/stored-error.js';
import type { FailureOutcome, Outcome, SuccessOutcome } from './execution.js';
import { missingOf } from './load-rows.js';
import { LOCKED_DELAY_MS } from './guard/rounds.js';

const MAX_BACKOFF_MS = 5 * 60_000;

/** What is done with a range after its execution. */
export type Decision =
  /** It succeeded: acknowledge it. */
  | { readonly kind: 'ack'; readonly rows: RowsDone; readonly missing: number; readonly rechecked: number }
  | FailureDecision;

/** What is done with a range that did not simply succeed. */
export type FailureDecision =
  /** Give it back as it was, without using up an attempt; `escalate`: the error still has to reach the run. */
  | { readonly kind: 'release'; readonly error: unknown; readonly escalate: boolean }
  /** Settle it with successors, failures or both; `error` is the last one, `null` where it was only stopped. */
  | { readonly kind: 'settle'; readonly settlement: Settlement; readonly error: unknown };

/** Splits a range in two; fewer than two pieces: it cannot be split. */
export type Split = (entry: RangeEntry) => Promise<readonly RangePiece[]>;

/** A part of a range. */
export interface RangePiece {
  readonly payload: RangePayload;
  readonly rows: number;
}

/** What a decision depends on, beside the outcome. */
export interface SettlementContext {
  readonly backfill: RegisteredBackfill;
  /** The range, without the rows that have been acknowledged. */
  readonly entry: RangeEntry;
  readonly config: BackfillConfig;
  /** Whether the execution was aborted: errors are then no attempts. */
  readonly aborted: boolean;
  readonly now: Date;
  readonly split: Split;
  /** Whether a fatal error that one row may have caused concerns the whole run, which is then paused. */
  readonly concernsRun: (error: unknown) => Promise<boolean>;
}

/**
 * Decides what to do with a range, by its outcome, its attempts and the config.
 *
 * What failed on contention (a deadlock, a serialization failure) after other rows of the range were done uses up no attempt: no row
 * is at fault, and the range shrinks each time.
 */
export async function decideSettlement(outcome: Outcome, context: SettlementContext): Promise<Decision> {
  return outcome.kind === 'done' ? decideDone(outcome) : decideFailure(outcome, context);
}

/** As `decideSettlement`, for a range that did not simply succeed. */
export async function decideFailure(
  outcome: FailureOutcome,
  context: SettlementContext,
): Promise<FailureDecision> {
  switch (outcome.kind) {
    case 'partial':
      return decidePartial(outcome, context);
    case 'failed':
      return decideFailed(outcome, context);
    default:
      return outcome satisfies never;
  }
}

/** For a range that succeeded the decision needs no context, and no promise. */
export function decideDone({
  rows,
  missing = 0,
  rechecked = 0,
}: SuccessOutcome): Extract<Decision, { readonly kind: 'ack' }> {
  return { kind: 'ack', rows, missing, rechecked };
}

async function decidePartial(
  outcome: Extract<Outcome, { kind: 'partial' }>,
  context: SettlementContext,
): Promise<FailureDecision> {
  const { entry, config, now } = context;
  const attempts = entry.attempts + 1;
  const untried: JsonValue[] = [...outcome.remaining];
  const retried: JsonValue[] = [];
  const contended: JsonValue[] = [...(outcome.locked ?? [])];
  const failures: Quarantined[] = [];
  let lastCounted: unknown = null;
  for (const { key, error } of outcome.failed) {
    const kind = await fateOf(error, context, outcome.rows > 0);
    if (kind === 'release') {
      untried.push(key);
      continue;
    }
    if (outcome.rows > 0 && isContended(error)) {
      contended.push(key);
      continue;
    }
    lastCounted = error;
    if (kind === 'pause' || (kind === 'failure' && attempts < config.attempts)) {
      retried.push(key);
    } else {
      const payload = rowsOf(entry.payload, [key]);
      failures.push(
        toQuarantined({ kind: 'row', ...failureOf(payload, key, error, attempts, now), rows: 1 }),
      );
    }
  }
  if (outcome.rows === 0 && retried.length === 0 && failures.length === 0 && contended.length === 0) {
    // The errors of its rows were escalated when they were thrown.
    return { kind: 'release', error: outcome.failed.at(-1)?.error ?? null, escalate: false };
  }
  const successors: Successor[] = [];
  if (untried.length > 0) {
    successors.push(rowsAgain(entry.payload, untried, entry.attempts, 0));
  }
  if (contended.length > 0) {
    successors.push(rowsAgain(entry.payload, contended, entry.attempts, LOCKED_DELAY_MS));
  }
  if (retried.length > 0) {
    successors.push(rowsAgain(entry.payload, retried, attempts, backoffDelay(attempts, config.backoffMs)));
  }
  const settlement: Settlement = {
    entry,
    rowsDone: outcome.rows,
    missing: outcome.missing ?? 0,
    rechecked: outcome.rechecked ?? 0,
    outcome: successors.length > 0 ? 'replaced' : 'done',
    successors,
    failures,
    error: lastCounted === null ? '' : lastError(lastCounted, now),
  };
  return { kind: 'settle', settlement, error: lastCounted };
}

async function decideFailed(
  { error, progressed = false }: Extract<Outcome, { kind: 'failed' }>,
  context: SettlementContext,
): Promise<FailureDecision> {
  const { backfill, entry, config, aborted, now, split } = context;
  const kind = await fateOf(error, context, false);
  if (kind === 'release') {
    return { kind: 'release', error, escalate: !aborted };
  }
  const attempts = entry.attempts + 1;
  const base = { entry, rowsDone: 0, missing: 0, error: lastError(error, now) };
  if (progressed && isContended(error)) {
    const { payload, rows } = entry;
    const successors = [{ payload, rows, attempts: entry.attempts, delayMs: LOCKED_DELAY_MS }];
    return { kind: 'settle', settlement: { ...base, outcome: 'replaced', successors, failures: [] }, error };
  }
  if (kind === 'pause' || (kind === 'failure' && attempts < config.attempts)) {
    const delayMs = backoffDelay(attempts, config.backoffMs);
    const successors = [{ payload: entry.payload, rows: entry.rows, attempts, delayMs }];
    return { kind: 'settle', settlement: { ...base, outcome: 'replaced', successors, failures: [] }, error };
  }
  const found = await trySplit(split, entry);
  if (found.kind === 'failed' && concernsRun(found.error) && !mayConcernRow(found.error)) {
    return { kind: 'release', error: found.error, escalate: true };
  }
  const pieces = found.kind === 'split' ? found.pieces : [];
  if (pieces.length > 1) {
    // Bisection: each half has one attempt, so that a bad row is found in as many steps as the range has halvings. It is no
    // first attempt of its rows.
    const successors = pieces.map((piece) => ({
      ...piece,
      attempts: Math.max(1, config.attempts - 1),
      delayMs: 0,
    }));
    return { kind: 'settle', settlement: { ...base, outcome: 'replaced', successors, failures: [] }, error };
  }
  const [piece = entry] = pieces;
  const { payload } = piece;
  // A source that can split its ranges and could not split this one is down to a single row, or to rows of one key.
  const isRow =
    payload.kind === 'rows' ||
    (found.kind === 'split' && backfill.source.split !== undefined && piece.rows <= 1);
  const failure = failureOf(payload, keyOf(payload, backfill), error, attempts, now);
  const stored = found.kind === 'split' ? failure.error : withReason(failure.error, found.error);
  const quarantined = isRow
    ? toQuarantined({ ...failure, kind: 'row', rows: 1 })
    : toQuarantined({ ...failure, kind: 'range', error: stored, rows: piece.rows });
  const counted = isRow ? 'done' : 'failed';
  const missing = missingOf(piece);
  const settlement: Settlement = {
    ...base,
    missing,
    outcome: counted,
    successors: [],
    failures: [quarantined],
  };
  return { kind: 'settle', settlement, error };
}

/**
 * What becomes of a row or range after an error. `pause`: nothing has succeeded and the run was paused for it. It uses
 * up an attempt, so that the run does not pause for the same row or range again when it is resumed.
 */
async function fateOf(
  error: unknown,
  { aborted, concernsRun: pauses }: SettlementContext,
  othersSucceeded: boolean,
): Promise<'failure' | 'final' | 'pause' | 'release'> {
  if (mayConcernRow(error)) {
    // An execution that was stopped may end after its run was resumed, and must not pause it again.
    return !othersSucceeded && (aborted || (await pauses(error))) ? 'pause' : 'failure';
  }
  const { kind } = classifyError(error);
  return aborted || (kind !== 'failure' && kind !== 'final') ? 'release' : kind;
}

type SplitResult =
  | { readonly kind: 'split'; readonly pieces: readonly RangePiece[] }
  | { readonly kind: 'failed'; readonly error: unknown };

/** A split that fails must not hide the failure of its range. */
async function trySplit(split: Split, entry: RangeEntry): Promise<SplitResult> {
  try {
    return { kind: 'split', pieces: await split(entry) };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

function withReason(error: StoredError, reason: unknown): StoredError {
  return {
    ...error,
    message: `${error.message} (the range could not be split: ${toStoredError(reason).message})`,
  };
}

/**
 * Exponential backoff: ms to wait after a failed attempt. `backoffMs` after the first, doubled after each further
 * one, up to 5 minutes. A `backoffMs` above 5 minutes is used as it is and not doubled.
 *
 * @param attempt number of the attempt that failed, from 1
 * @param backoffMs the config's `backoffMs`; 0 retries at once
 */
export function backoffDelay(attempt: number, backoffMs: number): number {
  if (backoffMs === 0) {
    return 0;
  }
  return Math.min(backoffMs * 2 ** Math.max(0, attempt - 1), Math.max(backoffMs, MAX_BACKOFF_MS));
}

function rowsAgain(
  payload: RangePayload,
  keys: readonly JsonValue[],
  attempts: number,
  delayMs: number,
): Successor {
  return { payload: rowsOf(payload, keys), rows: keys.length, attempts, delayMs };
}

function keyOf(payload: RangePayload, { source }: RegisteredBackfill): JsonValue {
  if (payload.kind === 'range') {
    try {
      return describeRange(source, payload.range);
    } catch {
      // What cannot be described still has to be recorded.
      return payload.range;
    }
  }
  return payload.keys.length === 1 ? (payload.keys[0] ?? null) : payload.keys;
}

function failureOf(payload: RangePayload, key: JsonValue, error: unknown, attempts: number, now: Date) {
  return { key, error: toStoredError(error), attempts, failedAt: now.toISOString(), payload };
}

function lastError(error: unknown, now: Date): string {
  return JSON.stringify({ ...toStoredError(error), at: now.toISOString() });
}
