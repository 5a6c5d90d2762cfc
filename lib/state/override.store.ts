import { Inject, Injectable } from '@nestjs/common';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { describeOverride } from './throttle-override.js';
import type { ThrottleOverride } from './throttle-override.js';
import { parseEnd } from './parse-end.js';
import type { ActionOptions } from './run-actions.js';

const MAX_FACTOR = 100;

/**
 * Options of `override`.
 *
 * @publicApi
 */
export interface OverrideOptions extends ActionOptions {
  /** Name of a throttle of the backfill. */
  readonly throttle: string;
  /**
   * What the pressure of the throttle is multiplied by, from 0 to 100: 0.5 loosens it, so that it slows the run down half as
   * much and never holds it; 2 tightens it, so that it holds the run where it would have slowed it down by half; 0 ignores it.
   * 1 ends an override.
   */
  readonly factor: number;
  /** When the override ends, by the clock of Redis. Only a factor of 1 needs none. */
  readonly until?: Date | string | number;
}

/**
 * Result of `override`.
 *
 * @publicApi
 */
export interface OverrideReceipt {
  /** The overrides of all throttles of the backfill that are in force. */
  readonly overrides: readonly ThrottleOverride[];
  /** False when nothing had to change. */
  readonly changed: boolean;
}

/** Stores the overrides of throttles. */
@Injectable()
export class OverrideStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** @throws BackfillRequestError where the factor or the end is invalid */
  async set(
    backfill: string,
    { throttle, factor, until, by = '', reason = '' }: OverrideOptions,
  ): Promise<boolean> {
    if (typeof factor !== 'number' || !(factor >= 0 && factor <= MAX_FACTOR)) {
      throw new BackfillRequestError(backfill, 'factor', `a number from 0 to ${MAX_FACTOR}`, factor);
    }
    const future = 'a time in the future';
    if (factor !== 1 && until === undefined) {
      throw new BackfillRequestError(backfill, 'until', future, until);
    }
    const end = factor === 1 || until === undefined ? null : parseEnd(backfill, until);
    const text =
      end === null ? '' : describeOverride({ throttle, factor, until: new Date(end).toISOString() });
    const override = end === null ? '' : JSON.stringify({ throttle, factor, until: end, by, reason, text });
    const answer = await scripts.override.run(this.client, this.keys, { backfill }, [
      backfill,
      throttle,
      factor,
      end ?? '',
      override,
      by,
      reason,
    ]);
    if (answer === 'past' && end !== null) {
      throw new BackfillRequestError(backfill, 'until', future, new Date(end).toISOString());
    }
    return answer === 'set';
  }

  /** The overrides in force. */
  async read(backfill: string, now: number): Promise<ThrottleOverride[]> {
    return decodeOverrides(await this.client.hvals(this.keys.overrides(backfill)), now);
  }
}

/** The overrides that have not ended; `now`: epoch ms by the clock of Redis. */
export function decodeOverrides(stored: readonly string[], now: number): ThrottleOverride[] {
  // Most backfills have none.
  if (stored.length === 0) {
    return [];
  }
  return stored
    .map((text) => JSON.parse(text) as StoredOverride)
    .filter(({ until }) => until > now)
    .map(({ throttle, factor, until, by, reason }) => ({
      throttle,
      factor,
      until: new Date(until).toISOString(),
      by: by || null,
      reason: reason || null,
    }))
    .toSorted((one, other) => (one.throttle < other.throttle ? -1 : 1));
}

interface StoredOverride extends Omit<ThrottleOverride, 'until'> {
  readonly until: number;
}
