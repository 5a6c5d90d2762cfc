import { Injectable, Inject, Logger } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { RangeQueues } from '../queues/range.queues.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { LuaScript } from '../redis/lua-script.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import { EventStream } from '../state/event.stream.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';
import { currentRate, nextPeakChange } from './peak-hours.js';
import { queueLimiter } from './queue-limiter.js';

/** A boundary this near gets a timer of its own in the process that sees it. */
const NEAR_MS = 1_500;

/** What throttles make of a rate. */
export interface ThrottledRate extends ThrottlePressure {
  /** Ranges a second that the workers reach where no rate is in force; 0: nobody knows. */
  readonly unpacedPerSecond: number;
}

/**
 * Puts the rate that the config asks for at the hour in force: exactly in the tracker, which gives every
 * range its moment, and roughly in front of it by the queue's own rate limit, which lets workers sleep.
 */
@Injectable()
export class RateController {
  private readonly logger = new Logger('Backfill');
  private readonly applyScript = LuaScript.load<number>('apply-rate', 6);
  private readonly gates = new Map<string, string>();
  private readonly timers = new Map<string, NodeJS.Timeout>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly queues: RangeQueues,
    private readonly events: EventStream,
  ) {}

  /**
   * @param now epoch ms by the clock of Redis, so that all processes see a boundary at the same moment
   * @param pressed what the throttles say now; what they said before stays without it
   */
  async apply(
    backfill: string,
    runId: string,
    config: BackfillConfig,
    now: number,
    pressed?: ThrottledRate,
  ): Promise<void> {
    const { perSecond, reason } = currentRate(config, now);
    const changeAt = nextPeakChange(config, now);
    const next = changeAt === null ? undefined : currentRate(config, changeAt).perSecond;
    const changed = await this.applyScript.run(this.client, this.keys.script(runId), [
      interval(perSecond),
      next === undefined ? '' : interval(next),
      changeAt ?? '',
      reason,
      pressed?.pressure ?? '',
      pressed?.reason ?? '',
      pressed?.unpacedPerSecond ?? 0,
    ]);
    await this.setGate(backfill, runId, perSecond, changed === 1);
    this.watchBoundary(backfill, runId, config, changeAt, now);
    if (changed === 1) {
      const rate = perSecond === null ? 'unpaced' : `${perSecond}/s`;
      const why =
        pressed && pressed.pressure > 0
          ? `${reason}, pressure ${pressed.pressure}: ${pressed.reason}`
          : reason;
      this.logger.log(`[${backfill} run ${runId}] rate ${rate}, ${why}`);
      const { pressure = null } = pressed ?? {};
      await this.events.append('throttled', backfill, runId, { perSecond, reason, pressure });
    }
  }

  close(): void {
    for (const timer of this.timers.values()) {
      clearTimeout(timer);
    }
  }

  private async setGate(
    backfill: string,
    runId: string,
    perSecond: number | null,
    force: boolean,
  ): Promise<void> {
    const gate = perSecond === null || perSecond === 0 ? null : queueLimiter(perSecond);
    const wanted = gate ? `${runId} ${gate.max}/${gate.duration}` : `${runId} open`;
    if (!force && this.gates.get(backfill) === wanted) {
      return;
    }
    const queue = this.queues.of(backfill);
    await (gate ? queue.setGlobalRateLimit(gate.max, gate.duration) : queue.removeGlobalRateLimit());
    // What the old limit made workers wait for must not outlive it.
    await queue.removeRateLimitKey();
    this.gates.set(backfill, wanted);
  }

  private watchBoundary(
    backfill: string,
    runId: string,
    config: BackfillConfig,
    changeAt: number | null,
    now: number,
  ): void {
    clearTimeout(this.timers.get(backfill));
    this.timers.delete(backfill);
    if (changeAt !== null && changeAt - now <= NEAR_MS) {
      const timer = setTimeout(
        () => {
          this.apply(backfill, runId, config, changeAt).catch((error: unknown) => {
            this.logger.warn(`[${backfill} run ${runId}] the rate of the next hours waits: ${String(error)}`);
          });
        },
        Math.max(0, changeAt - now),
      );
      timer.unref();
      this.timers.set(backfill, timer);
    }
  }
}

/** Microseconds between two ranges, as `claim.lua` reads them: 0 unpaced, -1 held. */
function interval(perSecond: number | null): number {
  if (perSecond === null) {
    return 0;
  }
  return perSecond === 0 ? -1 : Math.max(1, Math.round(1_000_000 / perSecond));
}
