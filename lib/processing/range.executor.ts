import type { EntityManager } from '@mikro-orm/core';
import { Injectable, Inject } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import { inRequestScope } from '../database/request-scope.js';
import { requireTransactions } from '../database/require-transactions.js';
import { retryOnContention } from '../database/retry-on-contention.js';
import { callHandler } from './call-handler.js';
import type { Execution, Outcome } from './execution.js';
import { IdleTransactionError } from './range.errors.js';
import { NO_TELEMETRY } from './range.telemetry.js';
import type { RangeTelemetry } from './range.telemetry.js';

/**
 * Executes one range: measures it, retries it on contention, gives it an entity manager of its own, and calls the
 * handler.
 */
@Injectable()
export class RangeExecutor {
  /** Replaced where the app measures. */
  telemetry: RangeTelemetry = NO_TELEMETRY;
  /** The contexts whose databases have been found to support transactions. */
  private readonly transactional = new Set<string | undefined>();

  constructor(@Inject(EntityManagers) private readonly managers: Pick<EntityManagers, 'fork'>) {}

  /** Never rejects because of the handler, its source or the database: what they throw is the outcome `failed`. */
  execute(execution: Execution): Promise<Outcome> {
    return this.telemetry.around(execution, () => this.executeRetrying(execution));
  }

  private async executeRetrying(execution: Execution): Promise<Outcome> {
    // Not after rows have been acknowledged: a retry would process them again.
    let acknowledged = false;
    const observed = onAcknowledge(execution, {
      before: () => (acknowledged = true),
      after: (rows) => this.telemetry.acknowledged(execution, rows),
    });
    let outcome: Outcome;
    try {
      outcome = await retryOnContention(
        () => this.executeOnce(observed),
        execution.signal,
        // A rehearsal shows the error of the first try.
        () => !acknowledged && !execution.observer,
      );
    } catch (error) {
      outcome = { kind: 'failed', error, progressed: acknowledged };
    }
    return IdleTransactionError.explainIn(outcome, execution.backfill);
  }

  /** Calls the handler with an entity manager of its own, which is created once something asks for it. */
  private async executeOnce(execution: Execution): Promise<Outcome> {
    if (execution.journal) {
      await execution.journal.open();
    }
    const fork = () => this.managers.fork(execution.backfill);
    let forked: EntityManager | undefined;
    const em = () => (forked ??= fork());
    const call = () => callHandler(execution, em, fork);
    try {
      return await inRequestScope(em, () =>
        execution.dryRun ? this.rollBackAfter(em(), execution, call) : call(),
      );
    } finally {
      forked?.clear();
    }
  }

  /** Runs work in a transaction that is rolled back, whatever comes of it. */
  private async rollBackAfter(
    em: EntityManager,
    { backfill, observer }: Execution,
    work: () => Promise<Outcome>,
  ): Promise<Outcome> {
    if (!this.transactional.has(backfill.contextName)) {
      await requireTransactions(em, backfill.name);
      this.transactional.add(backfill.contextName);
    }
    await em.begin();
    try {
      await observer?.begun(em);
      const outcome = await work();
      await observer?.handled(em);
      return outcome;
    } finally {
      await em.rollback();
    }
  }
}

interface AcknowledgeListener {
  before(): void;
  after(rows: number): void;
}

function onAcknowledge(execution: Execution, listener: AcknowledgeListener): Execution {
  const { acknowledge } = execution.rows;
  if (!acknowledge || execution.backfill.shape !== 'row') {
    return execution;
  }
  return {
    ...execution,
    rows: {
      ...execution.rows,
      acknowledge: async (...counted) => {
        listener.before();
        await acknowledge(...counted);
        listener.after(counted[0]);
      },
    },
  };
}
