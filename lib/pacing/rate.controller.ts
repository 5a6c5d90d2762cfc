import { Injectable, Inject } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { RangeQueues } from '../queues/range.queues.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { EventStream } from '../state/event.stream.js';
import { encodePace, roundedRate, toPace } from '../state/pace.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';
import { currentRate, nextPeakChange } from './peak-hours.js';
import { queueLimiter } from './queue-limiter.js';
import type { QueueLimit } from './queue-limiter.js';
import { zeroRate } from './zero-rate.js';

/** For a boundary of the peak hours that is this near, the process sets a timer. */
const NEAR_MS = 1_500;

/** A pressure, and what has it. */
export interface NamedPressure extends ThrottlePressure {
  /** Name of the throttle; empty for the quota. */
  readonly throttle: string;
}

/** What the throttles measured, and what it is relative to where the config sets no rate. */
export interface ThrottledRate extends NamedPressure {
  /** Ranges per second that the workers reach without a rate; 0 while unknown. */
  readonly unpacedPerSecond: number;
}

/**
 * Applies the rate that the config asks for at this hour: exactly in the state of the run, where the claim script
 * gives each range its start time, and roughly as the rate limit of the queue, which lets workers sleep.
 */
@Injectable()
export class RateController {
  private readonly logger = new BackfillLogger();
  /** The limit of each queue as this process last applied it. */
  private readonly appliedLimits = new Map<string, string>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private closed = false;

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly queues: RangeQueues,
    private readonly events: EventStream,
  ) {}

  /**
   * @param now epoch ms by the clock of Redis, so that all processes see a boundary of the peak hours at the same time
   * @param throttled what the throttles measured now; without it the last measurement stays in force
   */
  async apply(
    backfill: string,
    runId: string,
    config: BackfillConfig,
    now: number,
    throttled?: ThrottledRate,
  ): Promise<void> {
    const { perSecond, reason, interval, changeAt, nextInterval } = ratesOf(config, now);
    const changed = await scripts.applyRate.run(this.client, this.keys, { runId, backfill }, [
      interval,
      nextInterval,
      changeAt ?? '',
      reason,
      throttled?.pressure ?? '',
      throttled?.reason ?? '',
      throttled?.unpacedPerSecond ?? 0,
      zeroRate(config, now)?.reason ?? '',
      throttled?.throttle ?? '',
      throttled?.unknown === true ? 1 : 0,
    ]);
    await this.limitQueue(backfill, runId, perSecond, changed === 1);
    this.scheduleBoundary(backfill, runId, config, changeAt, now);
    if (changed === 1) {
      const rate = perSecond === null ? 'unpaced' : `${roundedRate(perSecond)}/s`;
      const why =
        throttled && throttled.pressure > 0
          ? `${reason}, pressure ${throttled.pressure}: ${throttled.reason}`
          : reason;
      this.logger.write('log', { backfill, runId, rate: perSecond, reason: why }, `rate ${rate}, ${why}`);
      const { pressure = null } = throttled ?? {};
      await this.events.append('throttled', backfill, runId, { perSecond, reason, pressure });
    }
  }

  /**
   * Whether `apply` would change nothing of a run that somebody works on: without pressure and hold, the rate, the one that
   * follows it, and the limit of the queue are those of the config. It is applied again where a boundary of the peak hours is near.
   *
   * @param run as Redis stores it
   */
  isInForce(
    backfill: string,
    run: Readonly<Record<string, string>>,
    config: BackfillConfig,
    now: number,
    throttled: ThrottledRate,
  ): boolean {
    const { perSecond, reason, interval, changeAt, nextInterval } = ratesOf(config, now);
    const isThrottled = throttled.pressure > 0 || Number(run['pressure'] ?? 0) !== 0;
    const isHeld = perSecond === 0 || run['heldFor'] !== undefined || Number(run['holdUntil'] ?? 0) > now;
    const isNear = this.timers.has(backfill) || (changeAt !== null && changeAt - now <= NEAR_MS);
    return (
      !isThrottled &&
      !isHeld &&
      !isNear &&
      (run['pressureReason'] ?? '') === throttled.reason &&
      run['interval'] === String(interval) &&
      run['next interval'] === String(nextInterval) &&
      run['next interval at'] === String(changeAt ?? '') &&
      run['rateReason'] === reason &&
      this.appliedLimits.get(backfill) === describeLimit(run['id'] ?? '', limitOf(perSecond))
    );
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers.values()) {
      clearTimeout(timer);
    }
  }

  private async limitQueue(
    backfill: string,
    runId: string,
    perSecond: number | null,
    force: boolean,
  ): Promise<void> {
    const limit = limitOf(perSecond);
    const wanted = describeLimit(runId, limit);
    if (!force && this.appliedLimits.get(backfill) === wanted) {
      return;
    }
    const queue = this.queues.of(backfill, runId);
    await (limit ? queue.setGlobalRateLimit(limit.max, limit.duration) : queue.removeGlobalRateLimit());
    // A window of the previous limit may last far longer: workers must not wait for its end.
    await queue.removeRateLimitKey();
    this.appliedLimits.set(backfill, wanted);
  }

  private scheduleBoundary(
    backfill: string,
    runId: string,
    config: BackfillConfig,
    changeAt: number | null,
    now: number,
  ): void {
    clearTimeout(this.timers.get(backfill));
    this.timers.delete(backfill);
    if (!this.closed && changeAt !== null && changeAt - now <= NEAR_MS) {
      const timer = setTimeout(
        () => {
          this.apply(backfill, runId, config, changeAt).catch((error: unknown) => {
            const scope = { backfill, runId, error: String(error) };
            this.logger.write(
              'warn',
              scope,
              `cannot apply the rate of the next peak period: ${String(error)}`,
            );
          });
        },
        Math.max(0, changeAt - now),
      );
      timer.unref();
      this.timers.set(backfill, timer);
    }
  }
}

/** What a config asks for at this hour and from the next change on, and the intervals of both as a run stores them. */
function ratesOf(config: BackfillConfig, now: number) {
  const { perSecond, reason } = currentRate(config, now);
  const changeAt = nextPeakChange(config, now);
  return {
    perSecond,
    reason,
    interval: encodePace(toPace(perSecond)),
    changeAt,
    nextInterval: changeAt === null ? '' : encodePace(toPace(currentRate(config, changeAt).perSecond)),
  };
}

function limitOf(perSecond: number | null): QueueLimit | null {
  return perSecond === null || perSecond === 0 ? null : queueLimiter(perSecond);
}

/** The limit of the queue of a run, to compare it. */
function describeLimit(runId: string, limit: QueueLimit | null): string {
  return limit ? `${runId} ${limit.max}/${limit.duration}` : `${runId} unlimited`;
}
