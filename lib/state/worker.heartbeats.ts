import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';

/** As in `prelude.lua`. A process without a heartbeat for this long counts as dead. */
const EXPIRY_MS = 10_000;

/** Registers the processes that run workers of a backfill, by heartbeats with the time of Redis. */
@Injectable()
export class WorkerHeartbeats {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
  ) {}

  /** This process runs workers for a run of the backfill, with this version of the handler. */
  async beat(backfill: string, runId: string, version: string | null, now: number): Promise<void> {
    await scripts.beat.run(this.client, this.keys, { backfill, runId }, [this.processId, now, version ?? '']);
  }

  /** This process no longer runs workers for the backfill. */
  async remove(backfill: string): Promise<void> {
    await this.client.hdel(this.keys.workers(backfill), this.processId);
  }

  /** Ids of the processes that run workers; removes those whose heartbeat has expired. */
  async workers(backfill: string, now: number): Promise<string[]> {
    const heartbeats = await this.client.hgetall(this.keys.workers(backfill));
    const alive = aliveProcesses(heartbeats, now);
    const expired = Object.keys(heartbeats).filter((id) => !alive.includes(id));
    if (expired.length > 0) {
      await this.client.hdel(this.keys.workers(backfill), ...expired);
    }
    return alive;
  }
}

/** Ids of the processes whose heartbeats, by id, have not expired. */
export function aliveProcesses(heartbeats: Readonly<Record<string, string>>, now: number): string[] {
  return Object.entries(heartbeats)
    .filter(([, at]) => isAlive(Number(at), now))
    .map(([id]) => id);
}

/** Whether a process whose last heartbeat was at this time runs workers still. */
function isAlive(at: number, now: number): boolean {
  return Math.abs(now - at) <= EXPIRY_MS;
}
