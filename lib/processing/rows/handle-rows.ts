import type { EntityManager } from '@mikro-orm/core';
import type { JsonValue, SourceContext } from '../../sources/backfill-source.js';
import type { BackfillContext } from '../../handlers/backfill-context.js';
import type { RowHandler } from '../../handlers/handlers.js';
import { loadRows } from './load-rows.js';
import type { Execution, Outcome } from '../range.executor.js';
import { inRequestScope } from '../../database/request-scope.js';
import type { LazyAbortController } from '../../async/lazy-abort-controller.js';
import type { Admit } from './row-processor-deps.js';
import { UNLIMITED_PERMITS } from './row.semaphore.js';
import type { Permits } from './row.semaphore.js';
import { RowProcessor } from './row.processor.js';

const ADMIT: Admit = () => undefined;

/** Hands the rows of a range to a row handler. */
export async function handleRows(
  execution: Execution,
  handler: RowHandler<unknown>,
  context: BackfillContext,
  fork: () => EntityManager,
): Promise<Outcome> {
  const { backfill, dryRun, signal, rowConcurrency, rows: settings } = execution;
  const { source } = backfill;
  const admit = settings?.admit ?? ADMIT;
  const { runId, attempt, logger } = context;
  const forks: EntityManager[] = [];
  const walk = new RowProcessor(
    { em: context.em, rows: await loadRows(execution, context.em) },
    {
      keyOf: (row) => source.keyOf?.(row) ?? null,
      concurrency: rowConcurrency,
      permits: settings?.permits ?? UNLIMITED_PERMITS,
      timeoutMs: settings?.timeoutMs ?? (() => null),
      acknowledgeMs: settings?.acknowledgeMs ?? (() => 0),
      admit,
      handle: (row, em, stop) => {
        const rowContext: BackfillContext = {
          runId,
          backfill: backfill.name,
          attempt,
          logger,
          dryRun,
          em,
          quota: paidOnce(admit, stop),
          get signal() {
            return stop.signal;
          },
        };
        return inRequestScope(
          () => em,
          () => handler.processRow(row, rowContext),
        );
      },
      reload: async (keys) => {
        const em = fork();
        forks.push(em);
        const reading: SourceContext = { em, signal, backfill: backfill.name };
        return {
          em,
          rows: (await source.loadKeys?.(reading, keys, execution.entry.payload.partition)) ?? [],
        };
      },
      // What is to be rolled back must not be acknowledged.
      acknowledge: dryRun ? null : (settings?.acknowledge ?? null),
      escalate: settings?.escalate ?? (async () => undefined),
      signal,
    },
  );
  try {
    return await walk.run();
  } finally {
    forks.forEach((em) => em.clear());
  }
}

/** The call that a row was given when it began is its first one. */
function paidOnce(admit: Admit, stop: LazyAbortController): (calls?: number) => Promise<void> {
  let paid = 1;
  return async (calls = 1) => {
    const due = Math.max(0, calls - paid);
    paid = Math.max(0, paid - calls);
    for (let i = 0; i < due; i++) {
      await admit(stop.signal);
    }
  };
}

/** What a worker adds to the handling of rows; without it nothing is limited or acknowledged early. */
export interface RowSettings {
  /** The places of the process, which all ranges share. */
  readonly permits: Permits;
  /** Ms that a row may take; `null`: as long as it takes. */
  readonly timeoutMs: () => number | null;
  /** Ms between two acknowledgements. */
  readonly acknowledgeMs: () => number;
  /** Asked before the third party is called. */
  readonly admit: Admit;
  readonly acknowledge: (done: number, left: readonly JsonValue[]) => Promise<void>;
  /** Told at once of an error that asks for more than its row: siblings may be under way for long. */
  readonly escalate: (error: unknown) => Promise<void>;
}
