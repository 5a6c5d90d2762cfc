import { countOf } from '../errors/count-of.js';
import type { EntityManager } from '@mikro-orm/core';
import type { BackfillContext } from '../handlers/backfill-context.js';
import type { BatchHandler, RangeHandler, RowHandler } from '../handlers/handlers.js';
import { NonRetryableError } from '../errors/handler.errors.js';
import { rowCount } from '../sources/answer-schemas.js';
import { toRange } from '../sources/planned-range.js';
import type { Execution, Outcome } from './execution.js';
import { loadGuarded } from './guard/load-guarded.js';
import { handleBatch } from './handle-batch.js';
import { handlerContext } from './handler-context.js';
import { handleRows } from './rows/handle-rows.js';
import { sampleRange, sampleRows } from './sample-rows.js';

/**
 * Calls the handler with what its shape asks for: the range, its rows as a batch, or one row at a time.
 *
 * @param em the entity manager of the range, forked when it is first asked for
 * @param fork creates a further one
 */
export async function callHandler(
  execution: Execution,
  em: () => EntityManager,
  fork: () => EntityManager,
): Promise<Outcome> {
  const { shape } = execution.backfill;
  const resolved = execution.backfill.resolve();
  // Each promise is felt where a range has little to do.
  const handler = resolved instanceof Promise ? await resolved : resolved;
  const context = handlerContext(execution, em);
  switch (shape) {
    case 'range':
      if (execution.sampler) {
        await sampleRange(execution, execution.sampler, fork);
      }
      return toOutcome(await handleRange(execution, handler as RangeHandler, context));
    case 'batch':
      return handleBatch(execution, handler as BatchHandler<unknown>, em, fork);
    case 'row': {
      const loaded = await loadGuarded(execution, execution.entry, em());
      await sampleRows(execution, execution.entry, loaded.rows);
      return handleRows(execution, handler as RowHandler<unknown>, context, loaded, fork);
    }
    default:
      return shape satisfies never;
  }
}

function handleRange(
  { backfill, entry }: Execution,
  handler: RangeHandler,
  context: BackfillContext,
): ReturnType<RangeHandler['processRange']> {
  if (entry.payload.kind === 'rows') {
    throw new TypeError(
      `Expected a range for a range handler, got the keys of ${countOf(entry.payload.keys.length, 'row')}`,
    );
  }
  const range = toRange(backfill.source, entry.payload.range, entry.index, entry.payload.partition);
  return handler.processRange(range, context);
}

/** @param rows what the handler has returned */
function toOutcome(rows: unknown): Outcome {
  return { kind: 'done', rows: typeof rows === 'number' ? parseRows(rows) : 'planned' };
}

/** The rows that a handler says it has processed. */
function parseRows(rows: number): number {
  const parsed = rowCount.safeParse(rows);
  if (!parsed.success) {
    const message = parsed.error.issues[0]?.message;
    throw new NonRetryableError(
      `processRange returned ${rows}: ${message}. Return how many rows it processed, or nothing.`,
    );
  }
  return Math.round(parsed.data);
}
