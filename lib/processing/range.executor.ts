import type { EntityManager } from '@mikro-orm/core';
import { Injectable, Inject } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import { inRequestScope } from '../database/request-scope.js';
import { requireTransactions } from '../database/require-transactions.js';
import { retryOnContention } from '../database/retry-on-contention.js';
import type { BackfillContext } from '../handlers/backfill-context.js';
import type { BatchHandler, RangeHandler, RowHandler } from '../handlers/handlers.js';
import { toRange } from '../sources/planned-range.js';
import type { Execution, Outcome } from './execution.js';
import { RangeLogger } from './range.logger.js';
import { NO_TELEMETRY } from './range.telemetry.js';
import type { RangeTelemetry } from './range.telemetry.js';
import { handleRows } from './rows/handle-rows.js';
import { loadRows } from './rows/load-rows.js';

/** Executes one piece of work: loads its rows, calls the handler, flushes, lets go of the memory. */
@Injectable()
export class RangeExecutor {
  /** Set where the app measures. */
  telemetry: RangeTelemetry = NO_TELEMETRY;
  /** Whether the database was seen to take back what it did. */
  private takesBack = false;

  constructor(@Inject(EntityManagers) private readonly managers: Pick<EntityManagers, 'fork'>) {}

  async execute(execution: Execution): Promise<Outcome> {
    return this.telemetry.around(execution, () => this.perform(execution));
  }

  private async perform(execution: Execution): Promise<Outcome> {
    const { acknowledge } = execution.rows;
    // Of rows that were acknowledged the tracker knows no more: only it can tell what is left.
    let acknowledged = false;
    const watched: Execution = acknowledge
      ? {
          ...execution,
          rows: {
            ...execution.rows,
            acknowledge: (done, remaining) => {
              acknowledged = true;
              return acknowledge(done, remaining);
            },
          },
        }
      : execution;
    try {
      return await retryOnContention(
        () => this.handleOnce(watched),
        execution.signal,
        () => !acknowledged,
      );
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  private async handleOnce(execution: Execution): Promise<Outcome> {
    const fork = () => this.managers.fork();
    let made: EntityManager | undefined;
    const em = () => (made ??= fork());
    const context = contextOf(execution, em);
    try {
      return await inRequestScope(em, () =>
        execution.dryRun
          ? this.rehearse(em(), execution.backfill.name, () => handle(execution, context, fork))
          : handle(execution, context, fork),
      );
    } finally {
      made?.clear();
    }
  }

  /** Runs the work in a transaction and takes everything back. */
  private async rehearse(
    em: EntityManager,
    backfill: string,
    work: () => Promise<Outcome>,
  ): Promise<Outcome> {
    if (!this.takesBack) {
      await requireTransactions(em, backfill);
      this.takesBack = true;
    }
    await em.begin();
    try {
      return await work();
    } finally {
      await em.rollback();
    }
  }
}

async function handle(
  execution: Execution,
  context: BackfillContext,
  fork: () => EntityManager,
): Promise<Outcome> {
  const handler = await execution.backfill.resolve();
  const { shape } = execution.backfill;
  if (shape === 'range') {
    return handleRange(execution, handler as RangeHandler, context);
  }
  return shape === 'batch'
    ? handleBatch(execution, handler as BatchHandler<unknown>, context)
    : handleRows(execution, handler as RowHandler<unknown>, context, fork);
}

async function handleRange(
  { backfill, entry }: Execution,
  handler: RangeHandler,
  context: BackfillContext,
): Promise<Outcome> {
  if (entry.payload.kind === 'rows') {
    throw new TypeError(
      `Expected a range for a range handler, got the keys of ${entry.payload.keys.length} rows`,
    );
  }
  const range = toRange(backfill.source, entry.payload.range, entry.index, entry.payload.partition);
  const rows = await handler.processRange(range, context);
  return { kind: 'done', rows: typeof rows === 'number' && rows >= 0 ? Math.round(rows) : 'planned' };
}

async function handleBatch(
  execution: Execution,
  handler: BatchHandler<unknown>,
  context: BackfillContext,
): Promise<Outcome> {
  const rows = await loadRows(execution, context.em);
  await handler.processBatch(rows, context);
  await context.em.flush();
  return { kind: 'done', rows: rows.length };
}

function contextOf(execution: Execution, em: () => EntityManager): BackfillContext {
  const { backfill, runId, entry, signal, dryRun } = execution;
  return {
    runId,
    backfill: backfill.name,
    attempt: entry.attempts + 1,
    signal,
    get em() {
      return em();
    },
    logger: new RangeLogger(backfill.name, runId, entry.index),
    dryRun,
    quota: async (calls = 1) => {
      for (let i = 0; i < calls; i++) {
        await execution.rows.acquireQuota(signal);
      }
    },
  };
}
