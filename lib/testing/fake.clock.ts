import { DateTime } from 'luxon';
import { resolveConfig } from '../config/backfill-config.js';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import { startTimes } from '../pacing/schedule.js';

/**
 * A clock that stands still until it is moved, to see what rates and peak hours come to without waiting.
 *
 * @example
 * ```ts
 * const clock = new FakeClock('2026-03-02T08:59:59', 'Europe/Lisbon');
 * clock.starts({ perSecondOnPeak: 1, perSecondOffPeak: 2, onPeakHourBegin: 9 }, 3);
 * ```
 *
 * @publicApi
 */
export class FakeClock {
  private at: number;

  /**
   * @param time ISO time; without an offset it is meant in `zone`
   * @param zone IANA zone. Default `UTC`
   */
  constructor(time: string, zone = 'UTC') {
    const parsed = DateTime.fromISO(time, { zone });
    if (!parsed.isValid) {
      throw new RangeError(`Expected an ISO time and an IANA zone, got ${JSON.stringify(time)} in ${zone}`);
    }
    this.at = parsed.toMillis();
  }

  /** The time it shows. */
  now(): Date {
    return new Date(this.at);
  }

  /** Moves it forward by so many ms. */
  advance(ms: number): this {
    if (!(ms >= 0)) {
      throw new RangeError(`Expected ms from 0 on, got ${ms}`);
    }
    this.at += ms;
    return this;
  }

  /** When the next ranges would start by the rates and peak hours of a config; fewer where it holds. */
  starts(config: BackfillConfigPatch, count: number): Date[] {
    const resolved = resolveConfig(parseConfigPatch(config, { backfill: null, origin: 'options' }));
    const dates: Date[] = [];
    for (const at of startTimes(resolved, this.at)) {
      if (dates.length >= count) {
        break;
      }
      dates.push(new Date(at));
    }
    return dates;
  }
}
