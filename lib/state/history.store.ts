import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { BackfillEventFields } from './backfill-event.js';
import { decodeEvent, encodeEvent } from './event-entry.js';
import type { StreamEntry } from './event-entry.js';
import type { BackfillHistoryType, HistoryPage } from './history-request.js';

const MAX_LENGTH = 1_000;

/**
 * Something that was done to a backfill, stored for longer than the stream of events. `data` holds who did it and why
 * as `by` and `reason`, and the change of a config as `patch`.
 *
 * @publicApi
 */
export interface BackfillHistoryEntry extends BackfillEventFields {
  readonly type: BackfillHistoryType;
  readonly data: { readonly [key: string]: JsonValue };
}

/** Stores the last thousand changes of each backfill; the scripts write it, too. */
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
    data: BackfillHistoryEntry['data'],
  ): Promise<void> {
    const entry = encodeEvent(type, backfill, runId, data);
    await this.client.xadd(this.keys.history(backfill), 'MAXLEN', '~', MAX_LENGTH, '*', ...entry);
  }

  /** The entries that the ledger has not written yet, of the backfills that have some: oldest first, at most `limit` of each. */
  async unwritten(backfills: readonly string[], limit: number): Promise<Map<string, BackfillHistoryEntry[]>> {
    const reply = await scripts.unwrittenHistory.run(this.client, this.keys, undefined, [
      limit,
      ...backfills,
    ]);
    return new Map(reply.map(([backfill, entries]) => [backfill, entries.map(toHistoryEntry)]));
  }

  /** The newest entries that a request selects, newest first. */
  async newest(
    backfill: string,
    { limit, before, types, runId }: HistoryPage,
  ): Promise<BackfillHistoryEntry[]> {
    const isFiltered = types !== undefined || runId !== undefined;
    const size = isFiltered ? MAX_LENGTH : limit;
    const selected: BackfillHistoryEntry[] = [];
    for (let end = before === undefined ? '+' : `(${before}`; ;) {
      const page = await this.client.xrevrange(this.keys.history(backfill), end, '-', 'COUNT', size);
      for (const entry of page.map(toHistoryEntry)) {
        end = `(${entry.id}`;
        if ((types?.includes(entry.type) ?? true) && (runId === undefined || entry.runId === runId)) {
          selected.push(entry);
        }
      }
      if (page.length < size || selected.length >= limit) {
        return selected.slice(0, limit);
      }
    }
  }
}

function toHistoryEntry(entry: StreamEntry): BackfillHistoryEntry {
  return decodeEvent(entry) as BackfillHistoryEntry;
}
