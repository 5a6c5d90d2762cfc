import { Inject, Injectable } from '@nestjs/common';
import { DATABASE_CONTEXT } from '../config/module-options.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { EVERY_BACKFILL } from '../state/global-hold.js';
import { LedgerStore } from './ledger.store.js';

/** Data of a `budgetConfigured` entry: the limits by their fields in Redis. */
interface BudgetChange {
  readonly context?: string;
  readonly patch?: Readonly<Record<string, number | null>>;
}

/** Restores the limits of the budget that Redis lost, by replaying their changes from the ledger. */
@Injectable()
export class BudgetRestorer {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly store: LedgerStore,
    @Inject(DATABASE_CONTEXT) private readonly context: string,
  ) {}

  async restore(): Promise<void> {
    const { context } = this;
    if ((await this.client.exists(this.keys.budget(context))) === 1) {
      return;
    }
    const patch: Record<string, number | null> = {};
    let version = 0;
    for await (const page of this.store.configChanges(EVERY_BACKFILL, 'budgetConfigured')) {
      const changes = page.map(({ data }) => (data ?? {}) as BudgetChange);
      for (const change of changes.filter((each) => each.context === context)) {
        Object.assign(patch, change.patch);
        version++;
      }
    }
    if (version > 0) {
      const fields = Object.entries({ ...patch, _version: version }).map(([key, value]) => [
        key,
        String(value),
      ]);
      await scripts.recoverBudget.run(this.client, this.keys, { context }, fields.flat());
    }
  }
}
