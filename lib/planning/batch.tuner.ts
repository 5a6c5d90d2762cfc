import { Injectable, Inject } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { nextBatchSize } from './next-batch-size.js';

const TTL_SECONDS = 86_400;

/** Adjusts the batch size of a run (`autoTune`) to the measured time per row. */
@Injectable()
export class BatchTuner {
  private readonly unreported = new Map<string, { ms: number; rows: number }>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Records how long a range took in this process. */
  record(runId: string, ms: number, rows: number): void {
    const sum = this.unreported.get(runId) ?? { ms: 0, rows: 0 };
    this.unreported.set(runId, { ms: sum.ms + ms, rows: sum.rows + rows });
  }

  /** Adds what this process recorded to the sums of the run, which the planner reads. */
  async report(runId: string): Promise<void> {
    const sum = this.unreported.get(runId);
    if (!sum || sum.rows === 0) {
      return;
    }
    this.unreported.delete(runId);
    const key = this.keys.timing(runId);
    await Promise.all([
      this.client.hincrbyfloat(key, 'ms', sum.ms),
      this.client.hincrby(key, 'rows', sum.rows),
      this.client.expire(key, TTL_SECONDS),
    ]);
  }

  /** The batch size to plan with. Called by the cycle of the run, so in one process at a time. */
  async batchSize(runId: string, { batchSize, autoTune }: BackfillConfig): Promise<number> {
    if (!autoTune) {
      return batchSize;
    }
    const key = this.keys.timing(runId);
    const [ms, rows, size] = await this.client.hmget(key, 'ms', 'rows', 'size');
    const current = Math.min(autoTune.max, Math.max(autoTune.min, Number(size ?? batchSize)));
    if (!Number(ms) || !Number(rows)) {
      return current;
    }
    const next = nextBatchSize(current, Number(ms) / Number(rows), autoTune);
    await Promise.all([this.client.hset(key, 'size', next), this.client.hdel(key, 'ms', 'rows')]);
    return next;
  }
}
