import { Injectable, Inject, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { withTimeout } from '../async/timeout.js';
import { EntityManagers } from '../database/entity-managers.js';
import { PoolWait } from '../database/pool-wait.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { BackfillThrottle, ThrottlePressure } from '../throttles/backfill-throttle.js';

/** Longest that a throttle is waited for. */
export const MEASURE_TIMEOUT_MS = 2_000;

interface Measurement {
  readonly result: Promise<ThrottlePressure>;
  readonly wait: PoolWait;
}

/** Measures a throttle. An error or a timeout is logged, counted, and treated as the throttle says. */
@Injectable()
export class ThrottleEvaluator {
  private readonly logger = new Logger('Backfill');
  private readonly failures = new Map<string, LogOnce>();
  /** Measurements that have not ended. One that does not return must not take a connection for each that follows. */
  private readonly pending = new Map<string, Measurement>();
  private readonly latest = new Map<string, ThrottlePressure>();

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
        measuring.result,
        MEASURE_TIMEOUT_MS,
        () => new Error(`Expected a result within ${MEASURE_TIMEOUT_MS} ms, got none`),
      );
      if (!Number.isFinite(pressure)) {
        throw new TypeError(`Expected a pressure from 0 to 1, got ${String(pressure)}`);
      }
      this.failures.delete(key);
      const measured = { pressure: Math.min(1, Math.max(0, pressure)), reason };
      this.latest.set(key, measured);
      return measured;
    } catch (error) {
      if (measuring.wait.isWaiting) {
        // For a connection of the app's pool: the throttle has not failed, and says nothing new.
        return this.latest.get(key) ?? { pressure: 0, reason: '' };
      }
      const failClosed = throttle.onError === 'failClosed';
      this.logOf(key).warn(
        `${where} failed, treated as ${failClosed ? 'pressure 1' : 'no pressure'}: ${String(error)}`,
      );
      await this.client.hincrby(this.keys.throttleErrors(runId), throttle.name, 1);
      return { pressure: failClosed ? 1 : 0, reason: `throttle ${throttle.name} failed` };
    }
  }

  /** Forgets what the throttles of a run have measured. */
  forget(runId: string): void {
    for (const key of [...this.latest.keys(), ...this.failures.keys()]) {
      if (key.startsWith(`${runId} `)) {
        this.latest.delete(key);
        this.failures.delete(key);
      }
    }
  }

  private start(throttle: BackfillThrottle, key: string, backfill: string, runId: string): Measurement {
    const wait = new PoolWait();
    const result = wait
      .run(() => this.callThrottle(throttle, backfill, runId))
      .finally(() => this.pending.delete(key));
    this.pending.set(key, { result, wait });
    // Nobody may be waiting any more when it rejects.
    result.catch(() => undefined);
    return { result, wait };
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
