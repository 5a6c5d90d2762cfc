import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';

const KEEP = 900;
/** Samples further apart have a pause between them. */
const GAP_MS = 3_000;

/** How far a run was at a moment, and what rate was in force. */
export interface BackfillSample {
  /** Epoch ms, by the clock of Redis. */
  readonly at: number;
  readonly done: number;
  readonly rowsDone: number;
  readonly rowsFailed: number;
  readonly outstanding: number;
  /** `null`: unpaced. */
  readonly perSecond: number | null;
}

/** Keeps a sample a second of each run, for the last fifteen minutes. */
@Injectable()
export class SampleStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  async add(runId: string, sample: BackfillSample): Promise<void> {
    const { at, done, rowsDone, rowsFailed, outstanding, perSecond } = sample;
    const key = this.keys.samples(runId);
    const text = JSON.stringify([at, done, rowsDone, rowsFailed, outstanding, perSecond]);
    // Not by a pipeline: ioredis gives each one every command of BullMQ, which takes a ms.
    await Promise.all([this.client.lpush(key, text), this.client.ltrim(key, 0, KEEP - 1)]);
  }

  /** The newest samples, newest first. */
  async newest(runId: string, limit = KEEP): Promise<BackfillSample[]> {
    const values = await this.client.lrange(this.keys.samples(runId), 0, limit - 1);
    return values.map((value) => {
      const [at, done, rowsDone, rowsFailed, outstanding, perSecond] = JSON.parse(value) as [
        number,
        number,
        number,
        number,
        number,
        number | null,
      ];
      return { at, done, rowsDone, rowsFailed, outstanding, perSecond };
    });
  }
}

/** Ranges and rows a second over the samples, which come newest first; 0 with fewer than two. */
export function throughput(
  samples: readonly BackfillSample[],
  overMs: number,
): { ranges: number; rows: number } {
  const newest = samples[0];
  if (!newest) {
    return { ranges: 0, rows: 0 };
  }
  const oldest = samples.findLast((sample) => newest.at - sample.at <= overMs) ?? newest;
  const seconds = (newest.at - oldest.at) / 1000;
  if (seconds <= 0) {
    return { ranges: 0, rows: 0 };
  }
  const rows = newest.rowsDone + newest.rowsFailed - oldest.rowsDone - oldest.rowsFailed;
  return { ranges: (newest.done - oldest.done) / seconds, rows: Math.max(0, rows) / seconds };
}

/** The latest of the samples between which no rate was in force; they come newest first. */
export function latestUnpaced(samples: readonly BackfillSample[]): BackfillSample[] {
  const from = samples.findIndex(({ perSecond }) => perSecond === null);
  const stretch: BackfillSample[] = [];
  for (const sample of from === -1 ? [] : samples.slice(from)) {
    const next = stretch.at(-1);
    if (next && (next.perSecond !== null || next.at - sample.at > GAP_MS)) {
      break;
    }
    stretch.push(sample);
  }
  return stretch;
}
