import { Injectable, Inject } from '@nestjs/common';
import type { QuotaConfig } from '../config/backfill-config.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { LuaScript } from '../redis/lua-script.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import { throughput, SampleStore } from '../state/sample.store.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';

/** What the way to the third party may shorten between two calls, so that no stretch holds one too many. */
const HEADROOM = 0.03;
const LEAST_HEADROOM_MS = 20;
const MOST_HEADROOM_MS = 250;

/** What a wish of the third party multiplies the rate by, and how much of it comes back in a second. */
const DECREASE = 0.75;
/** The same for a quota that was kept so far. */
const FIRST_DECREASE = 0.92;
const INCREASE_PER_S = 0.01;
/** Calls that were under way when the third party first asked may ask again. */
const COOLDOWN_MS = 1_000;

/** What was done lately counts where no quota is set and none has been found. */
const MEASURED_OVER_MS = 10_000;

/** A wish for calls. */
export interface CallRequest {
  readonly calls: number;
  /** Ms that a call may be off. */
  readonly withinMs: number;
  /** Ms before which the caller could make none. */
  readonly readyInMs: number;
  /** The rest of an earlier grant that is given back: epoch microseconds of its first call, and its `until`. */
  readonly unspent: { readonly from: number; readonly until: number } | null;
}

/** Calls that were granted, evenly spaced. */
export interface CallGrant {
  readonly kind: 'go';
  /** Ms from the answer on, of each call. */
  readonly waitMs: readonly number[];
  readonly intervalMs: number;
  /** Epoch microseconds of Redis at which it was granted. */
  readonly at: number;
  /** Epoch microseconds of the first call that was not granted. */
  readonly until: number;
}

/** What became of a wish for calls. */
export type QuotaAnswer =
  | CallGrant
  /** No limit is known. */
  | { readonly kind: 'free' }
  /** Nothing was granted; ask again after so many ms, or, below 0, not before the run is running. */
  | { readonly kind: 'wait'; readonly ms: number };

/** Shares the calls that a third party allows out to all processes. */
@Injectable()
export class SharedQuota {
  private readonly takeScript = LuaScript.load<['go' | 'free' | 'wait', ...number[]]>('quota', 7);
  private readonly cutScript = LuaScript.load<string>('cut-quota', 7);

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly samples: SampleStore,
  ) {}

  /** Asks for calls. */
  async take(
    backfill: string,
    runId: string,
    quota: QuotaConfig | null,
    { calls, withinMs, readyInMs, unspent }: CallRequest,
  ): Promise<QuotaAnswer> {
    const [kind, ms = 0, interval = 0, at = 0, until = 0, ...waits] = await this.takeScript.run(
      this.client,
      this.scriptKeys(backfill, runId),
      [
        callsPerSecond(quota),
        calls,
        Math.round(withinMs * 1000),
        Math.round(readyInMs * 1000),
        unspent?.until ?? '',
        unspent?.from ?? '',
      ],
    );
    if (kind === 'go') {
      return { kind, waitMs: waits.map((micros) => micros / 1000), intervalMs: interval / 1000, at, until };
    }
    return kind === 'free' ? { kind } : { kind: 'wait', ms };
  }

  /**
   * Lowers the rate after the third party asked to wait; answers the calls a second from now on.
   *
   * @param madeHere calls a second that this process made lately
   */
  async decrease(
    backfill: string,
    runId: string,
    quota: QuotaConfig | null,
    waitMs: number,
    madeHere: number,
  ): Promise<number> {
    const made = throughput(await this.samples.newest(runId, MEASURED_OVER_MS / 1000), MEASURED_OVER_MS).rows;
    const rate = await this.cutScript.run(this.client, this.scriptKeys(backfill, runId), [
      callsPerSecond(quota),
      Math.max(made, madeHere, 1),
      Math.ceil(waitMs),
      DECREASE,
      INCREASE_PER_S,
      COOLDOWN_MS,
      FIRST_DECREASE,
    ]);
    return Number(rate);
  }

  /** Calls a second in force at an epoch ms; `null`: no limit is known. */
  async perSecond(backfill: string, quota: QuotaConfig | null, now: number): Promise<number | null> {
    const most = callsPerSecond(quota);
    const [rate, since, step] = await this.client.hmget(this.keys.quota(backfill), 'rate', 'since', 'step');
    if (!rate) {
      return most > 0 ? most : null;
    }
    const grown = Number(rate) + (Number(step) * Math.max(0, now - Number(since) / 1000)) / 1000;
    return most > 0 ? Math.min(most, grown) : grown;
  }

  /** How far the rate is below what it was before a third party asked to wait, for what is not called by row. */
  async pressure(backfill: string, now: number): Promise<ThrottlePressure> {
    const [rate, since, step] = await this.client.hmget(this.keys.quota(backfill), 'rate', 'since', 'step');
    const before = Number(step) / INCREASE_PER_S;
    const grown = Number(rate) + (Number(step) * Math.max(0, now - Number(since) / 1000)) / 1000;
    return rate && grown < before
      ? { pressure: 1 - grown / before, reason: 'the third party, which asked to wait' }
      : { pressure: 0, reason: '' };
  }

  private scriptKeys(backfill: string, runId: string): string[] {
    return [...this.keys.script(runId), this.keys.quota(backfill)];
  }
}

/** Calls a second that a quota allows when they are evenly spaced; 0 without one. */
export function callsPerSecond(quota: QuotaConfig | null): number {
  if (quota === null) {
    return 0;
  }
  const headroom = Math.min(Math.max(quota.perMs * HEADROOM, LEAST_HEADROOM_MS), MOST_HEADROOM_MS);
  return (quota.max * 1000) / (quota.perMs + headroom);
}
