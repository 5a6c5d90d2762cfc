import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { Measurement } from './measurement.js';

/** How long a measurement tells of the table as it is. */
const FRESH_SECONDS = 3_600;
/** Of the format: a process of another version leaves what it cannot read alone. */
const VERSION = 1;

/** What the last rehearsal of each backfill has measured, for an hour, for all processes. */
@Injectable()
export class MeasurementStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  async write(backfill: string, measurement: Measurement): Promise<void> {
    const text = JSON.stringify({ version: VERSION, measurement });
    await this.client.set(this.keys.measurement(backfill), text, 'EX', FRESH_SECONDS);
  }

  /** `null` where no rehearsal was made within the last hour. */
  async read(backfill: string): Promise<Measurement | null> {
    const text = await this.client.get(this.keys.measurement(backfill));
    const stored = text === null ? null : (JSON.parse(text) as { version: number; measurement: Measurement });
    return stored?.version === VERSION ? stored.measurement : null;
  }
}
