import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';

/** A process without a heartbeat for so long is taken for dead. */
const EXPIRY_MS = 10_000;

/** Keeps which processes hold workers of a backfill, by heartbeats with the time of Redis. */
@Injectable()
export class WorkerHeartbeats {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
  ) {}

  /** A process holds workers for the backfill. */
  async present(backfill: string, now: number): Promise<void> {
    await this.client.hset(this.keys.workers(backfill), this.processId, now);
  }

  /** A process holds no workers for the backfill any more. */
  async absent(backfill: string): Promise<void> {
    await this.client.hdel(this.keys.workers(backfill), this.processId);
  }

  /** Ids of the processes that hold workers; removes those whose heartbeat has expired. */
  async workers(backfill: string, now: number): Promise<string[]> {
    const seen = Object.entries(await this.client.hgetall(this.keys.workers(backfill)));
    const gone = seen.filter(([, at]) => Math.abs(now - Number(at)) > EXPIRY_MS).map(([id]) => id);
    if (gone.length > 0) {
      await this.client.hdel(this.keys.workers(backfill), ...gone);
    }
    return seen.map(([id]) => id).filter((id) => !gone.includes(id));
  }
}
