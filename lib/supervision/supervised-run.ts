import type { NamedPressure } from '../pacing/rate.controller.js';
import { decodeLoweredRate } from '../pacing/shared.quota.js';
import type { LoweredRate } from '../pacing/shared.quota.js';
import { toHash } from '../redis/flat-hash.js';
import type { SupervisedReply } from '../redis/scripts/bindings.js';

type Hash = Readonly<Record<string, string>>;

/** A run that this process supervises in this interval, as Redis stored it at the tick. */
export interface SupervisedRun {
  /** Why something of it beside the config cannot be read; `null` where all can. */
  readonly error: string | null;
  readonly run: Hash;
  readonly outstanding: number;
  /** What operators have set; text: why that cannot be read. */
  readonly config: Hash | string;
  /** What a third party has lowered the rate of calls to; `null` for nothing. */
  readonly lowered: LoweredRate | null;
  /** The highest pressure of all throttles in all processes, and of the quota. */
  readonly pressure: NamedPressure;
  /** Whether a pressure of the quota is reported. */
  readonly isQuotaReported: boolean;
  /** Whether a process with workers for it is alive. */
  readonly isWorkedOn: boolean;
}

/** What `tick.lua` has read; `null` where this process does not supervise the run now. */
export function decodeSupervised(reply: SupervisedReply): SupervisedRun | null {
  if (reply.length === 0) {
    return null;
  }
  const [error, run, outstanding, config, quota, pressure, reason, throttle, unknown, byQuota, workedOn] =
    reply;
  return {
    error: error || null,
    run: toHash(run),
    outstanding,
    config: typeof config === 'string' ? config : toHash(config),
    lowered: decodeLoweredRate(quota),
    pressure: { pressure: Number(pressure), reason, throttle, unknown: unknown === 1 },
    isQuotaReported: byQuota === 1,
    isWorkedOn: workedOn === 1,
  };
}
