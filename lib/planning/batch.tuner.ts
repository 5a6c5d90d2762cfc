import { Injectable, Inject } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import { nextBatchSize } from './next-batch-size.js';

const FORGET_SECONDS = 86_400;

/** Has the batch size of a run follow the time that its ranges take. */
@Injectable()
export class BatchTuner {
  private readonly timed = new Map<string, { ms: number; rows: number }>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Notes what a range took in this process. */
  note(runId: string, ms: number, rows: number): void {
    const so = this.timed.get(runId) ?? { ms: 0, rows: 0 };
    this.timed.set(runId, { ms: so.ms + ms, rows: so.rows + rows });
  }

  /** Has the planner know what was noted. */
  async report(runId: string): Promise<void> {
    const noted = this.timed.get(runId);
    if (!noted || noted.rows === 0) {
      return;
    }
    this.timed.delete(runId);
    const key = this.keys.timing(runId);
    await Promise.all([
      this.client.hincrbyfloat(key, 'ms', noted.ms),
      this.client.hincrby(key, 'rows', noted.rows),
      this.client.expire(key, FORGET_SECONDS),
    ]);
  }

  /** The batch size to plan with. Called in one process at a time, by the cycle of the run. */
  async batchSize(runId: string, { batchSize, autoTune }: BackfillConfig): Promise<number> {
    if (!autoTune) {
      return batchSize;
    }
    const key = this.keys.timing(runId);
    const [ms, rows, kept] = await this.client.hmget(key, 'ms', 'rows', 'size');
    const current = Math.min(autoTune.max, Math.max(autoTune.min, Number(kept ?? batchSize)));
    if (!Number(ms) || !Number(rows)) {
      return current;
    }
    const size = nextBatchSize(current, Number(ms) / Number(rows), autoTune);
    await Promise.all([this.client.hset(key, 'size', size), this.client.hdel(key, 'ms', 'rows')]);
    return size;
  }
}
