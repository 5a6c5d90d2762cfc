import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { resolveBudget } from './backfill-budget.js';
import type { BackfillBudget, BudgetLimits } from './backfill-budget.js';
import { decodeBudget, encodeBudget } from './budget-codec.js';
import { DATABASE_CONTEXT, RESOLVED_OPTIONS } from './module-options.js';
import type { ResolvedModuleOptions } from './module-options.js';

const VERSION = '_version';

/** The budget in force. */
export interface BudgetInForce {
  readonly limits: BudgetLimits;
  /** What operators have set; it overrides `budget` of `BackfillModule`. */
  readonly patch: BackfillBudget;
  /** Changes with every `configureBudget`. */
  readonly version: string;
}

/** Stores what operators have set of the budget of a context. */
@Injectable()
export class BudgetStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    @Inject(DATABASE_CONTEXT) readonly context: string,
  ) {}

  async read(): Promise<BudgetInForce> {
    const { [VERSION]: version = '0', ...hash } = await this.client.hgetall(this.keys.budget(this.context));
    const patch = decodeBudget(hash);
    return { limits: resolveBudget(this.options.budget, patch), patch, version };
  }

  /**
   * Sets limits and returns the new version, or `null` where the budget is no longer at `version`. The event contains the
   * previous values, so without `version` the write is retried until it is based on the current one.
   */
  async write(
    patch: BackfillBudget,
    cause: { readonly by: string | null; readonly reason: string | null },
    version?: string,
  ): Promise<string | null> {
    const fields = Object.entries(encodeBudget(patch));
    for (;;) {
      const before = await this.read();
      const inForce: Readonly<Record<string, string>> = encodeBudget(before.limits);
      const from = Object.fromEntries(fields.map(([field]) => [field, valueOf(inForce[field])]));
      const to = Object.fromEntries(fields.map(([field, text]) => [field, valueOf(text)]));
      const event = { ...cause, context: this.context, patch: to, from };
      const [set, now] = await scripts.configureBudget.run(
        this.client,
        this.keys,
        { context: this.context },
        [version ?? before.version, JSON.stringify(event), ...fields.flat()],
      );
      if (set === 1) {
        return now;
      }
      if (version !== undefined) {
        return null;
      }
    }
  }
}

function valueOf(text: string | undefined): number | null {
  return text === undefined || text === 'null' ? null : Number(text);
}
