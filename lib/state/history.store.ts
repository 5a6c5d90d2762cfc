import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { BackfillEvent, BackfillEventType } from './backfill-event.js';
import { toEvent } from './event.stream.js';

const KEEP = 1_000;

/**
 * Something that was done to a backfill, kept for longer than the stream of events: who did it and why
 * stand in `data` as `by` and `reason`, a change of the config as `patch`.
 *
 * @publicApi
 */
export interface BackfillHistoryEntry extends Omit<BackfillEvent, 'type'> {
  /** `retried`: failures were taken back as work. */
  readonly type: BackfillEventType | 'retried';
}

/** Keeps the last thousand things that were done to each backfill; the scripts write it too. */
@Injectable()
export class HistoryStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  async add(
    type: BackfillHistoryEntry['type'],
    backfill: string,
    runId: string | null,
    data: BackfillEvent['data'],
  ): Promise<void> {
    const fields = { type, backfill, run: runId ?? '', data: JSON.stringify(data) };
    await this.client.xadd(
      this.keys.history(backfill),
      'MAXLEN',
      '~',
      KEEP,
      '*',
      ...Object.entries(fields).flat(),
    );
  }

  /** What came after an entry of each backfill, oldest first, at most so many of each. */
  async after(
    positions: readonly (readonly [backfill: string, id: string])[],
    limit: number,
  ): Promise<Map<string, BackfillHistoryEntry[]>> {
    const pages = await Promise.all(
      positions.map(([backfill, id]) =>
        this.client.xrange(this.keys.history(backfill), `(${id}`, '+', 'COUNT', limit),
      ),
    );
    return new Map(positions.map(([backfill], i) => [backfill, (pages[i] ?? []).map(toEvent)]));
  }

  /** The newest entries, newest first. */
  async newest(backfill: string, limit: number): Promise<BackfillHistoryEntry[]> {
    const entries = await this.client.xrevrange(this.keys.history(backfill), '+', '-', 'COUNT', limit);
    return entries.map(toEvent);
  }
}
