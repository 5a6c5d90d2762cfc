import { DateTime } from 'luxon';
import { resolveConfig } from '../config/backfill-config.js';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import { startTimes } from '../pacing/schedule.js';

/**
 * A clock that moves only by `advance`. It computes when ranges start under given rates and peak hours, so
 * that a test of a config does not wait.
 *
 * @example
 * ```ts
 * const clock = new FakeClock('2026-03-02T08:59:59', 'Europe/Lisbon');
 * const config = { perSecondOnPeak: 1, perSecondOffPeak: 2, onPeakHourBegin: 9, onPeakTimezone: 'Europe/Lisbon' };
 *
 * clock.starts(config, 3); // 08:59:59.000, 08:59:59.500, 09:00:00.500
 * ```
 *
 * @publicApi
 */
export class FakeClock {
  private at: number;

  /**
   * @param time ISO 8601 time; without an offset it is in `zone`
   * @param zone IANA time zone. Default `UTC`
   * @throws RangeError when the time or the zone is invalid
   */
  constructor(time: string, zone = 'UTC') {
    const parsed = DateTime.fromISO(time, { zone });
    if (!parsed.isValid) {
      throw new RangeError(`Expected an ISO time and an IANA zone, got ${JSON.stringify(time)} in ${zone}`);
    }
    this.at = parsed.toMillis();
  }

  /** The current time of the clock. */
  now(): Date {
    return new Date(this.at);
  }

  /**
   * Moves the clock forward.
   *
   * @param ms milliseconds, from 0 on
   * @returns the clock itself
   * @throws RangeError when `ms` is negative or not a number
   */
  advance(ms: number): this {
    if (!(ms >= 0)) {
      throw new RangeError(`Expected ms from 0 on, got ${ms}`);
    }
    this.at += ms;
    return this;
  }

  /**
   * Computes when the next ranges start, from the current time of the clock on.
   *
   * @param config rates and peak hours; keys that are left out have the defaults of the module
   * @param count number of ranges
   * @returns `count` times in ascending order; fewer when the rate is 0 from some time on
   * @throws BackfillConfigError when the config is invalid
   */
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
