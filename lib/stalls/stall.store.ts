import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { BackfillEventData } from '../state/backfill-event.js';
import { decodeEntry } from '../state/range-entry.js';
import type { StoredStall } from '../state/stall.js';

const PAGE = 500;

/** Records stalls in Redis, with their events, and reads what tells whether retries are waited for. */
@Injectable()
export class StallStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Records a stall, or what the run waits for by now. Whichever process is first emits the event. */
  async begin(runId: string, stall: StoredStall): Promise<void> {
    const text = JSON.stringify(stall);
    await scripts.stall.run(this.client, this.keys, { runId }, ['begin', stall.since, text, text]);
  }

  async end(runId: string, data: BackfillEventData['stallEnded']): Promise<void> {
    await scripts.stall.run(this.client, this.keys, { runId }, ['end', data.since, '', JSON.stringify(data)]);
  }

  /** Epoch ms from which on the first of the outstanding ranges may start; 0 where one may start at any time. */
  async firstDueAt(runId: string): Promise<number> {
    let first = Infinity;
    let cursor = '0';
    do {
      const [next, entries] = await this.client.hscan(this.keys.work(runId), cursor, 'COUNT', PAGE);
      const times = entries.filter((_, i) => i % 2 === 1).map((text) => decodeEntry(text).notBefore);
      first = Math.min(first, ...times);
      cursor = next;
    } while (cursor !== '0' && first > 0);
    return first === Infinity ? 0 : first;
  }
}
