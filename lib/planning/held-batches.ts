import { countOf } from '../errors/count-of.js';
import { Inject, Injectable } from '@nestjs/common';
import type { SourceWarning } from '../sources/backfill-source.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';

/** A batch with the guard `lock` should hold its rows for less. */
const SLOW_MS = 1_000;
const TTL_SECONDS = 7 * 86_400;

interface Counts {
  batches: number;
  slow: number;
}

/** Counts the batches of a run that held the locks of their rows for long (guard `lock`). */
@Injectable()
export class HeldBatches {
  private readonly unreported = new Map<string, Counts>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Records how long a batch took in this process. */
  record(runId: string, ms: number): void {
    const counts = this.unreported.get(runId) ?? { batches: 0, slow: 0 };
    counts.batches++;
    counts.slow += ms > SLOW_MS ? 1 : 0;
    this.unreported.set(runId, counts);
  }

  /** Adds what this process recorded to the counts of the runs. */
  async report(): Promise<void> {
    const recorded = [...this.unreported];
    this.unreported.clear();
    for (const [runId, { batches, slow }] of recorded) {
      const key = this.keys.heldBatches(runId);
      await Promise.all([
        this.client.hincrby(key, 'batches', batches),
        this.client.hincrby(key, 'slow', slow),
        this.client.expire(key, TTL_SECONDS),
      ]);
    }
  }

  /** Warns where batches of the newest run held their rows for longer than a second. */
  async warnings(runId: string): Promise<SourceWarning[]> {
    const [batches, slow] = await this.client.hmget(this.keys.heldBatches(runId), 'batches', 'slow');
    if (!Number(slow)) {
      return [];
    }
    const message =
      `${Number(slow)} of ${countOf(Number(batches), 'batch')} of the newest run took longer than a second, and with the guard 'lock' ` +
      'writes of the app to their rows waited for so long. Lower batchSize, or use the guard recheck, which holds rows ' +
      'only while they are written.';
    return [{ code: 'LONG_LOCKS', message }];
  }
}
