import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';

/** Fifteen minutes of samples. */
const MAX_SAMPLES = 900;
/** The run was paused between two samples that are further apart. */
const GAP_MS = 3_000;

/**
 * Progress of a run at a point in time, and the rate in force.
 *
 * @publicApi
 */
export interface BackfillSample {
  /** Epoch ms, by the clock of Redis. */
  readonly at: number;
  readonly done: number;
  readonly rowsDone: number;
  readonly rowsFailed: number;
  readonly outstanding: number;
  /** Ranges a second; `null` is unpaced, `0` holds. */
  readonly perSecond: number | null;
}

/** Stores a sample a second of each run, for the last fifteen minutes. */
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
    // Not in a pipeline: ioredis defines all commands of BullMQ on each new one, which takes a millisecond.
    await Promise.all([this.client.lpush(key, text), this.client.ltrim(key, 0, MAX_SAMPLES - 1)]);
  }

  /** The newest samples, newest first. */
  async newest(runId: string, limit = MAX_SAMPLES): Promise<BackfillSample[]> {
    const values = await this.client.lrange(this.keys.samples(runId), 0, limit - 1);
    return values.map(decodeSample);
  }
}

/** Reads what `add` has stored. */
export function decodeSample(text: string): BackfillSample {
  const [at, done, rowsDone, rowsFailed, outstanding, perSecond] = JSON.parse(text) as [
    number,
    number,
    number,
    number,
    number,
    number | null,
  ];
  return { at, done, rowsDone, rowsFailed, outstanding, perSecond };
}

/** Ranges and rows a second between the newest sample and the oldest within `overMs`; samples come newest first. */
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

/**
 * The latest consecutive samples between which no rate was in force. Each has the rate since the sample before it.
 * Samples come newest first.
 */
export function latestUnpaced(samples: readonly BackfillSample[]): BackfillSample[] {
  const from = samples.findIndex(({ perSecond }) => perSecond === null);
  const unpaced: BackfillSample[] = [];
  for (const sample of from === -1 ? [] : samples.slice(from)) {
    const next = unpaced.at(-1);
    if (next && (next.perSecond !== null || next.at - sample.at > GAP_MS)) {
      break;
    }
    unpaced.push(sample);
  }
  return unpaced;
}
