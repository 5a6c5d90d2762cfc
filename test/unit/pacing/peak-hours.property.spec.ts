import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { isOnPeak, nextPeakChange, type PeakHours } from '../../../lib/pacing/peak-hours.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Days around which the clocks of the zone change, and one on which they do not. */
const ZONES: Readonly<Record<string, readonly string[]>> = {
  UTC: ['2021-06-01'],
  'Asia/Kolkata': ['2021-06-01'],
  'America/New_York': ['2021-03-14', '2021-11-07', '2021-06-01'],
  'Europe/Lisbon': ['2021-03-28', '2021-10-31'],
  'Australia/Lord_Howe': ['2021-04-04', '2021-10-03'],
  'America/St_Johns': ['2021-03-14', '2010-11-07', '2010-03-14'],
  'America/Havana': ['2021-03-14', '2021-11-07'],
  'Africa/Cairo': ['2023-04-28', '2023-10-27'],
  'Africa/Casablanca': ['2023-03-19', '2023-04-23'],
  'America/Asuncion': ['2021-03-28', '2021-10-03'],
  'Pacific/Apia': ['2011-12-30', '2011-09-24'],
  'Antarctica/Troll': ['2021-03-28', '2021-10-31'],
};

const weekday = fc.integer({ min: 0, max: 6 });
const hour = fc.integer({ min: 0, max: 23 });

const cases = fc.constantFrom(...Object.entries(ZONES)).chain(([zone, days]) =>
  fc.record({
    config: fc.record<PeakHours>({
      onPeakTimezone: fc.constant(zone),
      onPeakWdayBegin: weekday,
      onPeakWdayEnd: weekday,
      onPeakHourBegin: hour,
      onPeakHourEnd: hour,
    }),
    at: fc
      .tuple(fc.constantFrom(...days), fc.integer({ min: -2 * DAY, max: DAY }))
      .map(([day, distance]) => DateTime.fromISO(day, { zone }).toMillis() + distance),
  }),
);

/** The definition, spelled out on calendar days: the window that began today, or the one of yesterday. */
function reference(config: PeakHours, at: number): boolean {
  const now = DateTime.fromMillis(at, { zone: config.onPeakTimezone });
  const { onPeakHourBegin: begin, onPeakHourEnd: end } = config;
  const length = (end - begin + 24) % 24;
  const beganToday = now.hour >= begin && now.hour <= begin + length;
  const beganYesterday = now.hour + 24 <= begin + length;
  const today = now.weekday % 7;
  return (beganToday && isPeakDay(config, today)) || (beganYesterday && isPeakDay(config, (today + 6) % 7));
}

function isPeakDay({ onPeakWdayBegin: begin, onPeakWdayEnd: end }: PeakHours, day: number): boolean {
  return (day - begin + 7) % 7 <= (end - begin + 7) % 7;
}

describe('peak hours in any zone, on any day', () => {
  it('are what the calendar says', () => {
    fc.assert(
      fc.property(cases, ({ config, at }) => {
        expect(isOnPeak(config, at)).toBe(reference(config, at));
      }),
      { numRuns: 500 },
    );
  });

  it('change where a scan of the minutes says, and nowhere before', () => {
    fc.assert(
      fc.property(cases, ({ config, at }) => {
        const change = nextPeakChange(config, at);
        const before = reference(config, at);
        const until = change ?? at + 15 * DAY;
        let minute = Math.ceil(at / MINUTE) * MINUTE;
        while (minute < until) {
          if (reference(config, minute) !== before) {
            throw new Error(`changes at ${new Date(minute).toISOString()} already`);
          }
          minute += minute < at + 2 * DAY ? MINUTE : 15 * MINUTE;
        }
        if (change === null) return;
        expect(change).toBeGreaterThan(at);
        expect(reference(config, change - 1)).toBe(before);
        expect(reference(config, change)).toBe(!before);
      }),
      { numRuns: 40 },
    );
  });

  it('never change only where they cover the week', () => {
    fc.assert(
      fc.property(cases, ({ config, at }) => {
        const hours = (config.onPeakHourEnd - config.onPeakHourBegin + 24) % 24;
        const days = (config.onPeakWdayEnd - config.onPeakWdayBegin + 7) % 7;
        expect(nextPeakChange(config, at) === null).toBe(hours === 23 && days === 6);
      }),
    );
  });

  it('go on changing through a year, on and off in turn', () => {
    fc.assert(
      fc.property(cases, ({ config, at }) => {
        let [now, onPeak] = [at, isOnPeak(config, at)];
        for (let changes = 0; changes < 30; changes++) {
          const next = nextPeakChange(config, now);
          if (next === null) return;
          expect(next).toBeGreaterThan(now);
          expect(next).toBeLessThanOrEqual(now + 15 * DAY);
          expect(isOnPeak(config, next)).toBe(!onPeak);
          [now, onPeak] = [next, !onPeak];
        }
      }),
      { numRuns: 50 },
    );
  });
});
