import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../../redis/redis-connections.js';
import type { RedisClient } from '../../redis/redis-connections.js';
import { scripts } from '../../redis/scripts/bindings.js';
import { COOLDOWN_MS, DECREASE, FIRST_DECREASE, INCREASE_PER_S, toQuotaAnswer } from '../shared.quota.js';
import type { CallRequest, QuotaAnswer } from '../shared.quota.js';
import { CurrentBudget } from './current.budget.js';

/** Who asks for calls; a rehearsal without a run has an id that no run has. */
export interface Caller {
  readonly runId: string;
  readonly weight: number;
}

/** Distributes the calls of `callsPerSecond` of the budget over all runs of all processes, by their weights. */
@Injectable()
export class SharedCalls {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly budget: CurrentBudget,
  ) {}

  /** Requests calls to a third party. */
  async acquire(name: string, caller: Caller, request: CallRequest): Promise<QuotaAnswer> {
    const { calls, withinMs, readyInMs, unused } = request;
    const { runId, weight } = caller;
    const reply = await scripts.budgetCalls.run(this.client, this.keys, this.scope(name, runId), [
      this.limitOf(name),
      calls,
      Math.round(withinMs * 1000),
      Math.round(readyInMs * 1000),
      unused?.until ?? '',
      unused?.from ?? '',
      runId,
      weight,
      name,
      this.budget.context,
    ]);
    return toQuotaAnswer(reply);
  }

  /**
   * Lowers the rate of all backfills after the third party asked one of them to wait, and lets no call begin before the end of
   * that wait.
   *
   * @param localPerSecond calls per second that this process made recently
   */
  async decrease(name: string, runId: string, waitMs: number, localPerSecond: number): Promise<void> {
    await scripts.decreaseCalls.run(this.client, this.keys, this.scope(name, runId), [
      this.limitOf(name),
      Math.max(localPerSecond, 1),
      Math.ceil(waitMs),
      DECREASE,
      INCREASE_PER_S,
      COOLDOWN_MS,
      FIRST_DECREASE,
      1,
    ]);
  }

  private limitOf(name: string): number {
    const { callsPerSecond } = this.budget.limits;
    return Object.hasOwn(callsPerSecond, name) ? (callsPerSecond[name] ?? 0) : 0;
  }

  private scope(name: string, runId: string) {
    return { runId, context: this.budget.context, name };
  }
}
