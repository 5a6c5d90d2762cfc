import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
/** Fifteen minutes of samples. */
const MAX_SAMPLES = 900;
const HOUR_LEVEL = { everyMs: 10 * SECOND_MS, most: 360 };
const DAY_LEVEL = { everyMs: 120 * SECOND_MS, most: 720 };
/** The interval of this level doubles whenever the run has more samples. */
const RUN_LEVEL = { everyMs: SECOND_MS, most: 1_000 };
/** Samples that a request for those after a time reads first. */
const READ_AT_ONCE = 60;
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
  /** Ranges, or rows of a row handler, at once in each process, where that is being found; else `null`. */
  readonly concurrency: number | null;
}

/** How far back samples go. */
export const SAMPLE_RANGES = ['hour', 'day', 'run'] as const;

/**
 * How far back samples go, seen from the newest one, and how close they are: `hour`, one a second for fifteen minutes and
 * one in ten seconds before; `day`, one in ten seconds for an hour and one in two minutes before; `run`, at most 1,000 of
 * the whole run.
 *
 * @publicApi
 */
export type SampleRange = (typeof SAMPLE_RANGES)[number];

/**
 * The samples to return.
 *
 * @publicApi
 */
export interface SamplesRequest {
  /** Only samples that are newer than this time, epoch ms. Default: all. */
  readonly after?: number;
  /** Default: those of the last fifteen minutes in which the run was running, one a second. */
  readonly range?: SampleRange;
  /** Default: the active run, or else the newest. */
  readonly runId?: string;
}

/** Stores samples of each run: one a second for fifteen minutes, and levels of them that are thinned out as they age. */
@Injectable()
export class SampleStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  async add(runId: string, sample: BackfillSample): Promise<void> {
    const { at, done, rowsDone, rowsFailed, outstanding, perSecond, concurrency } = sample;
    const fields = [at, done, rowsDone, rowsFailed, outstanding, perSecond];
    // Earlier versions write no concurrency.
    const text = JSON.stringify(concurrency === null ? fields : [...fields, concurrency]);
    await scripts.addProgressSample.run(this.client, this.keys, { runId }, [
      text,
      MAX_SAMPLES,
      ...[HOUR_LEVEL, DAY_LEVEL, RUN_LEVEL].flatMap(({ everyMs, most }) => [everyMs, most]),
    ]);
  }

  /** The newest samples, newest first. */
  async newest(runId: string, limit = MAX_SAMPLES): Promise<BackfillSample[]> {
    const values = await this.client.lrange(this.keys.samples(runId), 0, limit - 1);
    return values.map(decodeSample);
  }

  /**
   * Samples of a range, newest first.
   *
   * @param after only samples that are newer, epoch ms
   */
  async range(runId: string, range: SampleRange | undefined, after = -Infinity): Promise<BackfillSample[]> {
    const found: BackfillSample[] = [];
    let newest: number | undefined;
    for (const { key, spanMs } of this.levels(runId, range)) {
      const oldest = found.at(-1)?.at ?? Infinity;
      const samples = await this.after(key, after);
      newest ??= samples[0]?.at;
      const from = (newest ?? 0) - spanMs;
      found.push(...samples.filter(({ at }) => at < oldest && at > from && at > after));
    }
    return found;
  }

  /** The samples of a list, at least those that are newer than a time: mostly these are few. */
  private async after(key: string, after: number): Promise<BackfillSample[]> {
    const first = await this.client.lrange(key, 0, READ_AT_ONCE - 1);
    const samples = first.map(decodeSample);
    if (first.length < READ_AT_ONCE || (samples.at(-1)?.at ?? 0) <= after) {
      return samples;
    }
    return (await this.client.lrange(key, 0, -1)).map(decodeSample);
  }

  /** The lists that make up a range, the closest samples first. */
  private levels(
    runId: string,
    range: SampleRange | undefined,
  ): { readonly key: string; readonly spanMs: number }[] {
    const recent = { key: this.keys.samples(runId), spanMs: Infinity };
    const [hour, day, run] = this.keys.sampleLevels(runId);
    switch (range) {
      case undefined:
        return [recent];
      case 'hour':
        return [
          { ...recent, spanMs: HOUR_MS },
          { key: hour, spanMs: HOUR_MS },
        ];
      case 'day':
        return [
          { key: hour, spanMs: HOUR_MS },
          { key: day, spanMs: 24 * HOUR_MS },
        ];
      default:
        return [{ key: run, spanMs: Infinity }];
    }
  }
}

type StoredSample = [
  at: number,
  done: number,
  rowsDone: number,
  rowsFailed: number,
  outstanding: number,
  perSecond: number | null,
  concurrency?: number,
];

/** Reads what `add` has stored. */
function decodeSample(text: string): BackfillSample {
  return toSample(JSON.parse(text) as StoredSample);
}

/** Reads a JSON array of what `add` has stored. */
export function decodeSamples(text: string): BackfillSample[] {
  return (JSON.parse(text) as StoredSample[]).map(toSample);
}

function toSample([
  at,
  done,
  rowsDone,
  rowsFailed,
  outstanding,
  perSecond,
  concurrency,
]: StoredSample): BackfillSample {
  return { at, done, rowsDone, rowsFailed, outstanding, perSecond, concurrency: concurrency ?? null };
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
