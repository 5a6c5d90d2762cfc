import { Inject, Injectable } from '@nestjs/common';
import type { BackfillBudget, BudgetLimits } from '../config/backfill-budget.js';
import { BudgetStore } from '../config/budget.store.js';
import { parseBudget } from '../config/parse-budget.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
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
  /** The other databases that backfills of this app are in: each has the same limits for itself. Absent: there are none. */
  readonly databases?: readonly DatabaseBudget[];
}

/**
 * What is used of the budget in another database than that of the module.
 *
 * @publicApi
 */
export interface DatabaseBudget extends Pick<BudgetStatus, 'context' | 'ranges' | 'runs'> {}

/** Reads and changes the budget. */
@Injectable()
export class BudgetChanger {
  constructor(
    private readonly store: BudgetStore,
    private readonly current: CurrentBudget,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly registry: BackfillRegistry,
  ) {}

  async read(): Promise<BudgetStatus> {
    const contexts = new Set(this.registry.all().map(({ contextName }) => contextName));
    const others = [...contexts].filter((context) => context !== undefined).toSorted();
    const [inForce, own, ...databases] = await Promise.all([
      this.store.read(),
      ...[this.store.context, ...others].map((context) => this.useOf(context)),
    ]);
    return { ...inForce, ...(own as DatabaseBudget), ...(databases.length > 0 ? { databases } : {}) };
  }

  private async useOf(context: string): Promise<DatabaseBudget> {
    const scope = { context, table: '' };
    const [now, ranges, ...fields] = await scripts.budgetUse.run(this.client, this.keys, scope, []);
    return { context, ranges, runs: budgetRuns(fields, context, now) };
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
