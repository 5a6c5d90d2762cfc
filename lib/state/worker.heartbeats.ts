import type { RedisClient } from '../redis/lua-script.js';
import type { BackfillKeys } from '../redis/backfill-keys.js';

/** A process that was not heard of for so long holds no workers any more. */
const GONE_MS = 10_000;

/** Knows which processes hold workers of a backfill, by their heartbeat, and the time that all go by. */
export class WorkerHeartbeats {
  constructor(
    private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly processId: string,
  ) {}

  /** Epoch ms by the clock of Redis: the clocks of processes may differ. */
  async now(): Promise<number> {
    const [seconds, micros] = await this.client.time();
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  async present(backfill: string, now: number): Promise<void> {
    await this.client.hset(this.keys.workers(backfill), this.processId, now);
  }

  async absent(backfill: string): Promise<void> {
    await this.client.hdel(this.keys.workers(backfill), this.processId);
  }

  /** Ids of the processes that hold workers; forgets those that are gone. */
  async workers(backfill: string, now: number): Promise<string[]> {
    const seen = Object.entries(await this.client.hgetall(this.keys.workers(backfill)));
    const gone = seen.filter(([, at]) => Math.abs(now - Number(at)) > GONE_MS).map(([id]) => id);
    if (gone.length > 0) {
      await this.client.hdel(this.keys.workers(backfill), ...gone);
    }
    return seen.map(([id]) => id).filter((id) => !gone.includes(id));
  }
}
