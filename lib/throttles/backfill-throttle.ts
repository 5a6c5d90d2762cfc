import type { EntityManager } from '@mikro-orm/core';
import type { RedisClient } from '../redis/redis-connections.js';

/**
 * What a throttle measured: how far the rate is to be reduced, and why.
 *
 * @publicApi
 */
export interface ThrottlePressure {
  /** 0 leaves the configured rate unchanged, 0.5 halves it, 1 holds the backfill. Clamped to 0 and 1. */
  readonly pressure: number;
  /** Shown in the status and in the log, such as `replication lag 12.0 s`. */
  readonly reason: string;
  /**
   * `true` where it is not known yet: the pressure counts until it is, and says nothing about the load. A concurrency with
   * bounds stays as it is meanwhile. Default `false`.
   */
  readonly unknown?: boolean;
}

/**
 * What a throttle can measure with.
 *
 * @publicApi
 */
export interface ThrottleContext {
  /** Name of the backfill. */
  readonly backfill: string;
  /** Id of the active run. */
  readonly runId: string;
  /** A fork for this measurement alone, cleared afterwards. */
  readonly em: EntityManager;
  /** The Redis connection of the library. Do not close it. */
  readonly redis: RedisClient;
}

/** Where a throttle is measured. */
export type ThrottleScope = 'cluster' | 'process';

/**
 * Slows a backfill down while a resource that it shares with the app is under pressure. Measured once a second, or
 * every `everyMs`; a change reaches all processes at once. Of several throttles, the one with the highest pressure scales the rate.
 *
 * @example
 * ```ts
 * const diskUse: BackfillThrottle = {
 *   name: 'disk-use',
 *   measure: async () => {
 *     const used = await readDiskUse(); // 0 to 1
 *     return { pressure: used > 0.9 ? 1 : 0, reason: `disk ${Math.round(used * 100)} % full` };
 *   },
 * };
 * ```
 *
 * @publicApi
 */
export interface BackfillThrottle {
  /** Names the throttle in log lines and warnings. */
  readonly name: string;
  /**
   * Where it is measured: `cluster` in one process on behalf of all, `process` in every process with workers for
   * the backfill, of which the highest pressure counts. Default `cluster`.
   */
  readonly scope?: 'cluster' | 'process';
  /**
   * Milliseconds between two measurements; less than 50 count as 50. A measurement that takes long is followed by a pause
   * as long as it took, a second at most. Default 1000.
   */
  readonly everyMs?: number;
  /**
   * What an error, or no result within two seconds, is treated as: `failOpen` no pressure, `failClosed` pressure 1
   * (the backfill is held). Default `failOpen`.
   */
  readonly onError?: 'failOpen' | 'failClosed';
  /** Measures the pressure. May throw, see `onError`. */
  measure(context: ThrottleContext): ThrottlePressure | Promise<ThrottlePressure>;
}

/**
 * Options of every ready-made throttle.
 *
 * @publicApi
 */
export interface ThrottleOptions {
  /**
   * What an error, or no result within two seconds, is treated as: `failOpen` no pressure, `failClosed` pressure 1
   * (the backfill is held). Default `failOpen`.
   */
  readonly onError?: 'failOpen' | 'failClosed';
  /** Milliseconds between two measurements; less than 50 count as 50. Default 1000, where the throttle states no other. */
  readonly everyMs?: number;
}
