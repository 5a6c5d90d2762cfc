import { Injectable, Inject } from '@nestjs/common';
import type { LogOnce } from '../async/log-once.js';
import { withTimeout } from '../async/timeout.js';
import { EntityManagers } from '../database/entity-managers.js';
import { PoolWait } from '../database/pool-wait.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { BackfillThrottle, ThrottlePressure } from '../throttles/backfill-throttle.js';

/** Longest that a throttle is waited for. */
export const MEASURE_TIMEOUT_MS = 2_000;

/** A throttle of a run, and what is remembered of it from one measurement to the next. */
export interface MeasuredThrottle {
  readonly throttle: BackfillThrottle;
  /** Identifies it among those of the run. */
  readonly id: string;
  readonly backfill: string;
  /** Of the database that it is given. Absent: the context of the module. */
  readonly contextName?: string | undefined;
  readonly runId: string;
  readonly log: LogOnce;
  /** `null` before its first result. */
  latest: ThrottlePressure | null;
}

interface Measurement {
  readonly result: Promise<ThrottlePressure>;
  readonly wait: PoolWait;
}

/** Measures a throttle. An error or a timeout is logged, counted, and treated as the throttle says. */
@Injectable()
export class ThrottleEvaluator {
  /** Measurements that have not ended. One that does not return must not take a connection for each that follows. */
  private readonly pending = new Map<string, Measurement>();

  constructor(
    private readonly managers: EntityManagers,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** @param signal aborted once nobody wants the result any more: then there is none, and no failure is logged */
  async measure(measured: MeasuredThrottle, signal: AbortSignal): Promise<ThrottlePressure | null> {
    const measuring = this.pending.get(keyOf(measured)) ?? this.start(measured);
    try {
      const {
        pressure,
        reason,
        unknown = false,
      } = await withTimeout(
        measuring.result,
        MEASURE_TIMEOUT_MS,
        () => new Error(`Expected a result within ${MEASURE_TIMEOUT_MS} ms, got none`),
      );
      if (!Number.isFinite(pressure)) {
        throw new TypeError(`Expected a pressure from 0 to 1, got ${String(pressure)}`);
      }
      measured.log.recover();
      measured.latest = { pressure: Math.min(1, Math.max(0, pressure)), reason, unknown };
      return signal.aborted ? null : measured.latest;
    } catch (error) {
      if (signal.aborted) {
        return null;
      }
      if (measuring.wait.isWaiting) {
        // For a connection of the app's pool: the throttle has not failed, and says nothing new.
        return measured.latest ?? { pressure: 0, reason: '' };
      }
      return this.fail(measured, error);
    }
  }

  private async fail(
    { throttle, backfill, runId, log }: MeasuredThrottle,
    error: unknown,
  ): Promise<ThrottlePressure> {
    const failClosed = throttle.onError === 'failClosed';
    log.warn(
      `[${backfill} run ${runId}] throttle ${throttle.name} failed, ` +
        `treated as ${failClosed ? 'pressure 1' : 'no pressure'}: ${String(error)}`,
    );
    await this.client.hincrby(this.keys.throttleErrors(runId), throttle.name, 1);
    return { pressure: failClosed ? 1 : 0, reason: `throttle ${throttle.name} failed` };
  }

  private start(measured: MeasuredThrottle): Measurement {
    const key = keyOf(measured);
    const wait = new PoolWait();
    const result = wait.run(() => this.callThrottle(measured)).finally(() => this.pending.delete(key));
    this.pending.set(key, { result, wait });
    // Nobody may be waiting any more when it rejects.
    result.catch(() => undefined);
    return { result, wait };
  }

  private async callThrottle({
    throttle,
    backfill,
    contextName,
    runId,
  }: MeasuredThrottle): Promise<ThrottlePressure> {
    const em = this.managers.fork({ name: backfill, contextName });
    try {
      return await throttle.measure({ backfill, runId, em, redis: this.client });
    } finally {
      em.clear();
    }
  }
}

function keyOf({ runId, id }: MeasuredThrottle): string {
  return `${runId} ${id}`;
}
