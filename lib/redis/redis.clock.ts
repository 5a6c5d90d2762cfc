import { Inject, Injectable } from '@nestjs/common';
import { REDIS_CLIENT } from './redis-connections.js';
import type { RedisClient } from './redis-connections.js';

/** The clock of Redis, which all processes share; their own clocks may differ. */
@Injectable()
export class RedisClock {
  constructor(@Inject(REDIS_CLIENT) private readonly client: RedisClient) {}

  /** Epoch ms. */
  async now(): Promise<number> {
    const [seconds, micros] = await this.client.time();
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }
}
