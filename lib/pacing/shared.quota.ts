import { Injectable, Inject } from '@nestjs/common';
import type { QuotaConfig } from '../config/backfill-config.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { QuotaReply } from '../redis/scripts/bindings.js';
import { throughput, SampleStore } from '../state/sample.store.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';

/** `perMs` is stretched by this fraction, within bounds: network jitter can bring two calls closer together. */
const HEADROOM = 0.03;
const MIN_HEADROOM_MS = 20;
const MAX_HEADROOM_MS = 250;

/** AIMD: the factor by which a rate limit response lowers the rate, and the fraction of it regained per second. */
export const DECREASE = 0.75;
/** The factor where the rate was the configured quota itself: that is known to be right, so it is lowered less. */
export const FIRST_DECREASE = 0.92;
export const INCREASE_PER_S = 0.01;
/** Calls already in flight at the first rate limit response may be rejected too: they do not lower the rate again. */
export const COOLDOWN_MS = 1_000;

/** Without a quota and without an earlier decrease, the first decrease starts from the rate measured over this. */
const MEASURED_OVER_MS = 10_000;

/** A request for calls. */
export interface CallRequest {
  readonly calls: number;
  /** Calls that are due later than this many ms from now are not granted. */
  readonly withinMs: number;
  /** Ms from now before which the caller cannot make a call. */
  readonly readyInMs: number;
  /** The unused rest of an earlier grant, returned: epoch microseconds of its first call, and `until` of the grant. */
  readonly unused: { readonly from: number; readonly until: number } | null;
}

/** Calls that were granted, evenly spaced. */
export interface CallGrant {
  readonly kind: 'granted';
  /** Ms from the answer until each call. */
  readonly waitMs: readonly number[];
  readonly intervalMs: number;
  /** Epoch microseconds, by the clock of Redis, of the answer. */
  readonly at: number;
  /** Epoch microseconds of the first call that was not granted. */
  readonly until: number;
}

/** The answer to a request for calls. */
export type QuotaAnswer =
  | CallGrant
  /** No limit is known. */
  | { readonly kind: 'unlimited' }
  /** Nothing was granted. Worth asking again after `ms`. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** Nothing was granted: the run is not running. */
  | { readonly kind: 'stopped' };

/** The lowered rate: from `sinceMs` (epoch) on it increases linearly. */
export interface LoweredRate {
  readonly perSecond: number;
  readonly sinceMs: number;
  /** Calls per second regained each second. */
  readonly increase: number;
}

/** Distributes the calls that a third party allows over all processes; lowers their rate by AIMD when it rejects one. */
@Injectable()
export class SharedQuota {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly samples: SampleStore,
  ) {}

  /** Requests calls on behalf of this process. */
  async acquire(
    backfill: string,
    runId: string,
    quota: QuotaConfig | null,
    { calls, withinMs, readyInMs, unused }: CallRequest,
  ): Promise<QuotaAnswer> {
    const reply = await scripts.quota.run(this.client, this.keys, { backfill, runId }, [
      callsPerSecond(quota),
      calls,
      Math.round(withinMs * 1000),
      Math.round(readyInMs * 1000),
      unused?.until ?? '',
      unused?.from ?? '',
    ]);
    return toQuotaAnswer(reply);
  }

  /**
   * Lowers the rate after a rate limit response; returns the calls per second from now on.
   *
   * @param waitMs how long the third party asked to wait
   * @param localPerSecond calls per second that this process made recently
   */
  async decrease(
    backfill: string,
    runId: string,
    quota: QuotaConfig | null,
    waitMs: number,
    localPerSecond: number,
  ): Promise<number> {
    const samples = await this.samples.newest(runId, MEASURED_OVER_MS / 1000);
    const rate = await scripts.decreaseQuota.run(this.client, this.keys, { backfill, runId }, [
      callsPerSecond(quota),
      Math.max(throughput(samples, MEASURED_OVER_MS).rows, localPerSecond, 1),
      Math.ceil(waitMs),
      DECREASE,
      INCREASE_PER_S,
      COOLDOWN_MS,
      FIRST_DECREASE,
    ]);
    return Number(rate);
  }
}

/** How far a lowered rate is below the one before the first decrease, for handlers whose rows are not paced one by one. */
export function quotaPressure(lowered: LoweredRate | null, now: number): ThrottlePressure {
  if (!lowered) {
    return { pressure: 0, reason: '' };
  }
  const before = lowered.increase / INCREASE_PER_S;
  const pressure = Math.max(0, 1 - increasedRate(lowered, now) / before);
  return { pressure, reason: 'the rate limit of the third party' };
}

/** Reads what `quota.lua` and `budget-calls.lua` reply. */
export function toQuotaAnswer(reply: QuotaReply): QuotaAnswer {
  if (reply[0] === 'granted') {
    const [kind, interval, at, until, ...waits] = reply;
    const waitMs = waits.map((micros) => micros / 1000);
    return { kind, waitMs, intervalMs: interval / 1000, at, until };
  }
  return reply[0] === 'wait' ? { kind: 'wait', ms: reply[1] } : { kind: reply[0] };
}

/** Reads the fields `rate`, `since` and `step` of a quota hash; `null` where the rate was not lowered. */
export function decodeLoweredRate([rate, since, step]: readonly (string | null)[]): LoweredRate | null {
  return rate ? { perSecond: Number(rate), sinceMs: Number(since) / 1000, increase: Number(step) } : null;
}

/** Calls per second in force at an epoch ms; `null`: no limit is known. */
export function allowedCalls(
  quota: QuotaConfig | null,
  lowered: LoweredRate | null,
  now: number,
): number | null {
  const rates = [
    ...(quota ? [callsPerSecond(quota)] : []),
    ...(lowered ? [increasedRate(lowered, now)] : []),
  ];
  return rates.length > 0 ? Math.min(...rates) : null;
}

/** Calls per second that a quota allows when they are evenly spaced; 0 without one. */
export function callsPerSecond(quota: QuotaConfig | null): number {
  if (quota === null) {
    return 0;
  }
  const headroom = Math.min(Math.max(quota.perMs * HEADROOM, MIN_HEADROOM_MS), MAX_HEADROOM_MS);
  return (quota.max * 1000) / (quota.perMs + headroom);
}

/** Additive increase, as `quota.lua` computes it. */
function increasedRate({ perSecond, sinceMs, increase }: LoweredRate, now: number): number {
  return perSecond + (increase * Math.max(0, now - sinceMs)) / 1000;
}
