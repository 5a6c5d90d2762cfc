import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resolveConfig } from '../../../lib/config/backfill-config.js';
import { currentRate } from '../../../lib/pacing/peak-hours.js';
import { estimateEnd, startTimes } from '../../../lib/pacing/schedule.js';
import { firstOf } from './first-of.js';

const DAY = 86_400_000;

const slowRate = fc.oneof(fc.constant(0), fc.double({ min: 1e-4, max: 0.05, noNaN: true }));
const hour = fc.integer({ min: 0, max: 23 });
const weekday = fc.integer({ min: 0, max: 6 });

const cases = fc.record({
  config: fc
    .record({
      perSecondOnPeak: slowRate,
      perSecondOffPeak: slowRate,
      onPeakTimezone: fc.constantFrom('UTC', 'America/Havana', 'Australia/Lord_Howe', 'Africa/Cairo'),
      onPeakWdayBegin: weekday,
      onPeakWdayEnd: weekday,
      onPeakHourBegin: hour,
      onPeakHourEnd: hour,
    })
    .map((patch) => resolveConfig(patch)),
  from: fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) }),
  measured: fc.option(fc.double({ min: 1e-4, max: 0.1, noNaN: true }), { nil: null }),
});

describe('the timeline of any schedule', () => {
  it('keeps the interval of the rate in force, and starts nothing on a hold', () => {
    fc.assert(
      fc.property(cases, ({ config, from, measured }) => {
        let previous = -Infinity;
        for (const start of firstOf(startTimes(config, from, measured), 300)) {
          const configured = currentRate(config, start).perSecond ?? Infinity;
          const perSecond = Math.min(configured, measured ?? Infinity);
          expect(perSecond).toBeGreaterThan(0);
          expect(start).toBeGreaterThanOrEqual(from);
          expect(start - previous).toBeGreaterThan((1000 / perSecond) * (1 - 1e-9) - 0.01);
          previous = start;
        }
      }),
      { numRuns: 20 },
    );
  });

  it('is told by estimateEnd without walking it: exactly for four weeks', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 5000 }), ({ config, from, measured }, ranges) => {
        const walked = firstOf(startTimes(config, from, measured), ranges)[ranges - 1];
        const told = estimateEnd(config, from, ranges, measured);
        if (walked === undefined) expect(told).toBeNull();
        else if (walked <= from + 28 * DAY) expect(told).toBe(walked);
      }),
      { numRuns: 60 },
    );
  });

  it('is told by estimateEnd beyond that to within a week and two percent', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 20_000, max: 60_000 }), ({ config, from, measured }, ranges) => {
        const walked = firstOf(startTimes(config, from, measured), ranges)[ranges - 1];
        const told = estimateEnd(config, from, ranges, measured);
        if (walked === undefined || told === null) {
          expect(told).toBe(walked ?? null);
          return;
        }
        expect(Math.abs(told - walked)).toBeLessThan(7 * DAY + (walked - from) * 0.02);
      }),
      { numRuns: 8 },
    );
  });
});
