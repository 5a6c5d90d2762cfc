import type { EntityManager } from '@mikro-orm/core';
import type { RedisClient } from '../redis/lua-script.js';

/** How hard something is pressed, and by what. */
export interface ThrottlePressure {
  /** 0 lets the configured rate be, 0.5 halves it, 1 holds. Beyond these it is cut off. */
  readonly pressure: number;
  /** For the status, such as `replication lag 12.0 s`. */
  readonly reason: string;
}

/** What a throttle may look at. */
export interface ThrottleContext {
  readonly backfill: string;
  readonly runId: string;
  /** A fork of its own, cleared afterwards. */
  readonly em: EntityManager;
  /** The library's own connection; not to be closed. */
  readonly redis: RedisClient;
}

/**
 * Slows a backfill down while something that it shares is under pressure. Asked about once a second; the
 * throttle that presses hardest scales the rate.
 *
 * @publicApi
 */
export interface BackfillThrottle {
  /** For logs and warnings. */
  readonly name: string;
  /**
   * Where it is asked: `cluster`, in one process for all of them; `process`, in every process that works for
   * the backfill, of which the hardest pressed counts. Default `cluster`.
   */
  readonly scope?: 'cluster' | 'process';
  /**
   * What an error, or no answer within two seconds, stands for: `failOpen` no pressure, `failClosed` a hold.
   * Default `failOpen`.
   */
  readonly onError?: 'failOpen' | 'failClosed';
  measure(context: ThrottleContext): ThrottlePressure | Promise<ThrottlePressure>;
}

/** What every ready-made throttle can be told. */
export interface ThrottleOptions {
  /** What an error stands for: `failOpen` no pressure, `failClosed` a hold. Default `failOpen`. */
  readonly onError?: 'failOpen' | 'failClosed';
}

/**
 * Pressure that grows evenly between two values, from 0 to 1.
 *
 * @throws RangeError unless `from` is below `to`
 */
export function ramp(value: number, from: number, to: number): number {
  if (!(from < to)) {
    throw new RangeError(`Expected a throttle's from below its to, got ${from} and ${to}`);
  }
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}
