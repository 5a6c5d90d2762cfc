import { Injectable, Inject, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { withTimeout } from '../async/timeout.js';
import { EntityManagers } from '../database/entity-managers.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { BackfillThrottle, ThrottlePressure } from '../throttles/backfill-throttle.js';

/** Longest that a throttle is waited for. */
export const MEASURE_TIMEOUT_MS = 2_000;

/** Measures a throttle. An error or a timeout is logged, counted, and treated as the throttle says. */
@Injectable()
export class ThrottleEvaluator {
  private readonly logger = new Logger('Backfill');
  private readonly failures = new Map<string, LogOnce>();
  /** Measurements that have not ended. One that does not return must not take a connection for each that follows. */
  private readonly pending = new Map<string, Promise<ThrottlePressure>>();

  constructor(
    private readonly managers: EntityManagers,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** @param id of the throttle among those of the run */
  async measure(
    throttle: BackfillThrottle,
    id: string,
    backfill: string,
    runId: string,
  ): Promise<ThrottlePressure> {
    const key = `${runId} ${id}`;
    const where = `[${backfill} run ${runId}] throttle ${throttle.name}`;
    const measuring = this.pending.get(key) ?? this.start(throttle, key, backfill, runId);
    try {
      const { pressure, reason } = await withTimeout(
        measuring,
        MEASURE_TIMEOUT_MS,
        () => new Error(`Expected a result within ${MEASURE_TIMEOUT_MS} ms, got none`),
      );
      if (!Number.isFinite(pressure)) {
        throw new TypeError(`Expected a pressure from 0 to 1, got ${String(pressure)}`);
      }
      this.failures.delete(key);
      return { pressure: Math.min(1, Math.max(0, pressure)), reason };
    } catch (error) {
      const failClosed = throttle.onError === 'failClosed';
      this.logOf(key).warn(
        `${where} failed, treated as ${failClosed ? 'pressure 1' : 'no pressure'}: ${String(error)}`,
      );
      await this.client.hincrby(this.keys.throttleErrors(runId), throttle.name, 1);
      return { pressure: failClosed ? 1 : 0, reason: `throttle ${throttle.name} failed` };
    }
  }

  private start(
    throttle: BackfillThrottle,
    key: string,
    backfill: string,
    runId: string,
  ): Promise<ThrottlePressure> {
    const measuring = this.callThrottle(throttle, backfill, runId).finally(() => this.pending.delete(key));
    this.pending.set(key, measuring);
    // Nobody may be waiting any more when it rejects.
    measuring.catch(() => undefined);
    return measuring;
  }

  private async callThrottle(
    throttle: BackfillThrottle,
    backfill: string,
    runId: string,
  ): Promise<ThrottlePressure> {
    const em = this.managers.fork();
    try {
      return await throttle.measure({ backfill, runId, em, redis: this.client });
    } finally {
      em.clear();
    }
  }

  private logOf(key: string): LogOnce {
    const log = this.failures.get(key) ?? new LogOnce(this.logger);
    this.failures.set(key, log);
    return log;
  }
}
