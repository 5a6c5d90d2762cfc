import type { EntityManager } from '@mikro-orm/core';
import { sleep } from '../async/sleep.js';
import { inRequestScope } from '../database/request-scope.js';
import type { BatchHandler } from '../handlers/handlers.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { BatchRound } from './batch-round.js';
import type { Execution, Outcome } from './execution.js';
import { loadGuarded } from './guard/load-guarded.js';
import { entryOfKeys, MAX_ROUNDS, roundDelay } from './guard/rounds.js';
import { isRowsChanged, RowKeepsChangingError } from './guard/rows-changed.error.js';
import { handleHeldBatch } from './handle-held-batch.js';
import { handlerContext } from './handler-context.js';
import { sampleRows } from './sample-rows.js';

/** What all rounds so far have come to. */
interface Progress {
  rows: number;
  missing: number;
  rechecked: number;
  readonly locked: JsonValue[];
}

/**
 * Calls a batch handler for the rows of a range, and again for those that others wrote meanwhile. Those that somebody
 * else has locked are left for later.
 */
export async function handleBatch(
  execution: Execution,
  handler: BatchHandler<unknown>,
  em: () => EntityManager,
  fork: () => EntityManager,
): Promise<Outcome> {
  const progress: Progress = { rows: 0, missing: 0, rechecked: 0, locked: [] };
  // A dry run writes nothing in the end, and has a transaction already.
  const holds = execution.backfill.guard === 'lock' && !execution.dryRun;
  const handle = holds ? handleHeldBatch : handleRound;
  let { entry } = execution;
  for (let round = 1; ; round++) {
    const roundEm = round === 1 ? em() : fork();
    const left = await handle(execution, entry, handler, roundEm);
    const changed = keysOf(execution, left.changed);
    addRound(progress, left, round > 1 && entry.payload.kind === 'rows' ? entry.payload.keys.length : null);
    progress.locked.push(...keysOf(execution, left.locked));
    if (round > 1) {
      roundEm.clear();
    }
    if (left.changed.length === 0) {
      return finished(progress);
    }
    if (round === MAX_ROUNDS || execution.signal.aborted) {
      return unfinished(execution, changed, progress);
    }
    entry = changed.length > 0 ? entryOfKeys(entry, changed) : entry;
    await sleep(roundDelay(round), execution.signal);
  }
}

/** One round: loads the rows, calls the handler, flushes. Where the changes cannot be told apart, all rows are changed. */
async function handleRound(
  execution: Execution,
  entry: RangeEntry,
  handler: BatchHandler<unknown>,
  em: EntityManager,
): Promise<BatchRound> {
  const { rows, missing, flush } = await loadGuarded(execution, entry, em);
  await sampleRows(execution, entry, rows);
  const context = handlerContext(execution, () => em);
  const loaded = [...rows];
  const base = { handled: loaded.length, missing };
  try {
    await inRequestScope(
      () => em,
      () => handler.processBatch(rows, context),
    );
    const left = await flush();
    return left.locked.length > 0 && !hasKeys(execution)
      ? { ...base, changed: loaded, locked: [] }
      : { ...base, ...left };
  } catch (error) {
    if (isRowsChanged(error)) {
      return { ...base, changed: loaded, locked: [] };
    }
    throw error;
  }
}

/** @param asked how many rows were loaded again by their keys; `null`: the whole range was loaded */
function addRound(
  progress: Progress,
  { handled, missing, changed, locked }: BatchRound,
  asked: number | null,
): void {
  const again = changed.length + locked.length;
  // A row that was handled, and that others deleted or changed so that it no longer matches, is done.
  progress.rows += (asked ?? handled) - again;
  progress.missing = asked === null ? missing : progress.missing;
  progress.rechecked += again;
}

function hasKeys({ backfill: { source } }: Execution): boolean {
  return source.keyOf !== undefined && source.loadKeys !== undefined;
}

/** Keys to load rows again by; none where the source has none, so that the whole range is loaded again. */
function keysOf(execution: Execution, rows: readonly unknown[]): JsonValue[] {
  const { source } = execution.backfill;
  return hasKeys(execution) ? rows.map((row) => source.keyOf?.(row) ?? null) : [];
}

function finished(progress: Progress): Outcome {
  return progress.locked.length === 0
    ? { kind: 'done', ...counts(progress) }
    : { kind: 'partial', ...counts(progress), failed: [], remaining: [], locked: progress.locked };
}

/** Others write the rows again and again, or the execution is to stop. */
function unfinished(
  { signal, backfill }: Execution,
  changed: readonly JsonValue[],
  progress: Progress,
): Outcome {
  if (changed.length === 0) {
    throw new RowKeepsChangingError(backfill.name);
  }
  const error = new RowKeepsChangingError(backfill.name);
  const failed = signal.aborted ? [] : changed.map((key) => ({ key, error }));
  const remaining = signal.aborted ? changed : [];
  return { kind: 'partial', ...counts(progress), failed, remaining, locked: progress.locked };
}

function counts({ rows, missing, rechecked }: Progress) {
  return { rows, missing, rechecked };
}
