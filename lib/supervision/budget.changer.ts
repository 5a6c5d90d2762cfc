import { Inject, Injectable } from '@nestjs/common';
import type { BackfillBudget, BudgetLimits } from '../config/backfill-budget.js';
import { BudgetStore } from '../config/budget.store.js';
import { parseBudget } from '../config/parse-budget.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { CurrentBudget } from '../pacing/budget/current.budget.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { ConfigureOptions } from '../state/run-actions.js';
import { budgetRuns } from './budget-runs.js';
import type { BudgetRun } from './budget-runs.js';

/**
 * The budget of the context whose database the backfills of this app use.
 *
 * @publicApi
 */
export interface BudgetStatus {
  /** `contextName` of the module; `default` without one. */
  readonly context: string;
  /** The limits in force. */
  readonly limits: BudgetLimits;
  /** What operators have set. It overrides `budget` of the module. */
  readonly patch: BackfillBudget;
  /** Changes with every `configureBudget`. Pass it as `version` of a change for optimistic locking. */
  readonly version: string;
  /** Ranges in process, in all processes; counted while the budget limits ranges. */
  readonly ranges: number;
  /** The runs that share it now, by the names of their backfills. */
  readonly runs: readonly BudgetRun[];
}

/** Reads and changes the budget. */
@Injectable()
export class BudgetChanger {
  constructor(
    private readonly store: BudgetStore,
    private readonly current: CurrentBudget,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  async read(): Promise<BudgetStatus> {
    const { context } = this.store;
    const [inForce, [now, ranges, ...fields]] = await Promise.all([
      this.store.read(),
      scripts.budgetUse.run(this.client, this.keys, { context, table: '' }, []),
    ]);
    return { context, ...inForce, ranges, runs: budgetRuns(fields, context, now) };
  }

  async change(patch: BackfillBudget, options: ConfigureOptions): Promise<BudgetStatus> {
    const { version, by = null, reason = null } = options;
    const written = await this.store.write(parseBudget(patch, 'budget'), { by, reason }, version);
    if (written === null) {
      throw new BackfillConflictError(
        `The budget is no longer at version ${version}. Read it again and repeat the change.`,
      );
    }
    await this.current.refresh();
    return this.read();
  }
}
