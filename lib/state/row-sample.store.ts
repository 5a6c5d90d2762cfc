import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { JsonValue } from '../sources/backfill-source.js';

/** A row of the sample of a run. */
export interface SampledRow {
  readonly partition: string;
  readonly key: JsonValue;
  /** The range that it is from, for a range handler to process again; absent: its handler is given rows. */
  readonly range?: JsonValue;
}

/** A row and its random number in [0, 1). */
export interface DrawnRow {
  readonly number: number;
  readonly row: SampledRow;
}

/** Stores the sample of a run: of all rows that were drawn, those with the smallest numbers. */
@Injectable()
export class RowSampleStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Adds rows; returns the largest number that can still be kept, 1 while fewer than `size` rows are. */
  async add(runId: string, size: number, drawn: readonly DrawnRow[]): Promise<number> {
    const largest = await scripts.addSample.run(this.client, this.keys, { runId }, [
      size,
      ...drawn.flatMap(({ number, row }) => [number, encode(row)]),
    ]);
    return largest === null ? 1 : Number(largest);
  }

  /** So many rows of the sample, in the order of their numbers. */
  async page(runId: string, first: number, count: number): Promise<SampledRow[]> {
    const members = await this.client.zrange(
      this.keys.sample(runId),
      String(first),
      String(first + count - 1),
    );
    return members.map((member) => decode(member));
  }
}

function encode({ partition, key, range }: SampledRow): string {
  return JSON.stringify(range === undefined ? [partition, key] : [partition, key, range]);
}

function decode(text: string): SampledRow {
  const [partition, key, range] = JSON.parse(text) as [string, JsonValue, JsonValue?];
  return range === undefined ? { partition, key } : { partition, key, range };
}
