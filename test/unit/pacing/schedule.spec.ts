import { describe, expect, it } from '@jest/globals';
import { resolveConfig, type BackfillConfigPatch } from '../../../lib/config/backfill-config.js';
import { estimateEnd, startTimes } from '../../../lib/pacing/schedule.js';
import { firstOf } from './first-of.js';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

const epoch = (iso: string) => Date.parse(iso);
const evenly = (perSecond: number | null) =>
  resolveConfig({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });

function take(patch: BackfillConfigPatch, from: number, count: number, measured?: number | null): number[] {
  return firstOf(startTimes(resolveConfig(patch), from, measured), count);
}

describe('startTimes', () => {
  const from = epoch('2020-11-16T22:51:59Z');

  it('starts the four ranges of ids 1 to 20 by 5 a second apart at 1/s', () => {
    const ranges = Math.ceil(20 / 5);
    expect(take({ perSecondOnPeak: 1, perSecondOffPeak: 1 }, from, ranges)).toEqual(
      ['22:51:59', '22:52:00', '22:52:01', '22:52:02'].map((time) => epoch(`2020-11-16T${time}Z`)),
    );
  });

  it('starts them two seconds apart at 0.5/s', () => {
    expect(take({ perSecondOffPeak: 0.5 }, from, 4)).toEqual([0, 2, 4, 6].map((s) => from + s * SECOND));
  });

  it('starts them exactly a third of a second apart at 3/s, without drift', () => {
    const starts = take({ perSecondOffPeak: 3 }, from, 3001);
    expect(starts).toEqual(Array.from({ length: 3001 }, (_, index) => from + (index * 1000) / 3));
    expect(starts.at(-1)).toBe(from + 1000 * SECOND);
  });

  it('changes the rate at the minute the peak begins and ends', () => {
    const begin = epoch('2020-11-16T05:00:00Z');
    const rates = { perSecondOnPeak: 0.5, perSecondOffPeak: 1 };
    expect(take(rates, begin - 2 * SECOND, 5).map((start) => (start - begin) / SECOND)).toEqual([
      -2, -1, 1, 3, 5,
    ]);
    const end = epoch('2020-11-16T18:00:00Z');
    expect(take(rates, end - 3 * SECOND, 5).map((start) => (start - end) / SECOND)).toEqual([
      -3, -1, 0, 1, 2,
    ]);
  });

  it('waits out a hold, and makes nothing up after it', () => {
    const rates = { perSecondOnPeak: 0, perSecondOffPeak: 1 };
    const off = epoch('2020-11-16T18:00:00Z');
    expect(take(rates, epoch('2020-11-16T12:00:00Z'), 3)).toEqual([off, off + SECOND, off + 2 * SECOND]);
    const held = epoch('2020-11-17T05:00:00Z');
    const again = epoch('2020-11-17T18:00:00Z');
    expect(take(rates, held - 1.5 * SECOND, 4)).toEqual([
      held - 1.5 * SECOND,
      held - 0.5 * SECOND,
      again,
      again + SECOND,
    ]);
  });

  it('ends where it is held for ever', () => {
    expect(take({ perSecondOnPeak: 0, perSecondOffPeak: 0 }, from, 3)).toEqual([]);
    const always = { onPeakWdayBegin: 0, onPeakWdayEnd: 6, onPeakHourBegin: 0, onPeakHourEnd: 23 };
    expect(take({ ...always, perSecondOnPeak: 0 }, from, 3)).toEqual([]);
  });

  it('is as fast as was measured where it is unpaced, and all at once where nothing was', () => {
    expect(take({ perSecondOffPeak: null }, from, 3, 2)).toEqual([from, from + 500, from + SECOND]);
    expect(take({ perSecondOffPeak: null }, from, 3)).toEqual([from, from, from]);
    expect(take({ perSecondOffPeak: null }, from, 3, 0)).toEqual([from, from, from]);
  });

  it('is as slow as the workers where they do not keep up', () => {
    expect(take({ perSecondOffPeak: 10 }, from, 3, 1)).toEqual([from, from + SECOND, from + 2 * SECOND]);
    expect(take({ perSecondOffPeak: 1 }, from, 3, 10)).toEqual([from, from + SECOND, from + 2 * SECOND]);
  });

  it('finds its way at a rate of one range in many years', () => {
    const century = 100 * 365.25 * DAY;
    const [first, second] = take({ perSecondOnPeak: 0, perSecondOffPeak: SECOND / century }, from, 2);
    expect(first).toBe(from);
    expect(second).toBeGreaterThanOrEqual(from + century);
    expect(second).toBeLessThan(from + century + WEEK);
    expect(take({ perSecondOnPeak: 0, perSecondOffPeak: 1e-13 }, from, 2)).toEqual([from]);
  });
});

describe('estimateEnd', () => {
  const from = epoch('2020-11-16T00:00:00Z');

  it('is now when nothing is left, and when there is one range to start', () => {
    expect(estimateEnd(evenly(1), from, 0)).toBe(from);
    expect(estimateEnd(evenly(1), from, 1)).toBe(from);
  });

  it('is exact at a rate that never changes, however many ranges', () => {
    expect(estimateEnd(evenly(4), from, 4001)).toBe(from + 1000 * SECOND);
    expect(estimateEnd(evenly(3), from, 3e9 + 1)).toBe(from + 1e9 * SECOND);
  });

  it('knows the hours of the peak', () => {
    const config = resolveConfig({ perSecondOnPeak: 1, perSecondOffPeak: 10 });
    const beforePeak = 5 * 3600 * 10;
    expect(estimateEnd(config, from, beforePeak)).toBe(from + 5 * HOUR - 100);
    expect(estimateEnd(config, from, beforePeak + 1)).toBe(from + 5 * HOUR + 900);
    const onPeak = 13 * 3600;
    expect(estimateEnd(config, from, beforePeak + onPeak)).toBe(from + 18 * HOUR - 100);
    expect(estimateEnd(config, from, beforePeak + onPeak + 1)).toBe(from + 18 * HOUR);
    expect(estimateEnd(config, from, beforePeak + onPeak + 2)).toBe(from + 18 * HOUR + 100);
  });

  it('counts what the workers reach where that is less', () => {
    expect(estimateEnd(evenly(100), from, 101, 1)).toBe(from + 100 * SECOND);
    expect(estimateEnd(evenly(1), from, 101, 100)).toBe(from + 100 * SECOND);
    expect(estimateEnd(evenly(1), from, 101, 0)).toBe(from + 100 * SECOND);
    expect(estimateEnd(evenly(null), from, 101, 10)).toBe(from + 10 * SECOND);
  });

  it('is null where it cannot be told', () => {
    expect(estimateEnd(evenly(0), from, 1)).toBeNull();
    expect(estimateEnd(evenly(0), from, 1, 5)).toBeNull();
    expect(estimateEnd(evenly(null), from, 1)).toBeNull();
    expect(estimateEnd(evenly(1e-9), from, 1e12)).toBeNull();
    expect(estimateEnd(resolveConfig({ perSecondOnPeak: 0, perSecondOffPeak: 1e-13 }), from, 2)).toBeNull();
  });

  it('goes no further than it can tell: unpaced and not measured after the peak', () => {
    const config = resolveConfig({ perSecondOnPeak: 1, perSecondOffPeak: null });
    const noon = from + 12 * HOUR;
    expect(estimateEnd(config, noon, 6 * 3600)).toBe(noon + 6 * HOUR - SECOND);
    expect(estimateEnd(config, noon, 6 * 3600 + 1)).toBeNull();
  });

  it('takes a billion ranges over years by the average week, and quickly', () => {
    const config = resolveConfig({ onPeakTimezone: 'America/New_York' });
    const perWeek = 5 * 13 * 3600 * 3 + (168 - 5 * 13) * 3600 * 7.5;
    const begun = process.cpuUsage();
    const end = estimateEnd(config, from, 1e9);
    // Its own time, which does not grow when others use the machine.
    expect(process.cpuUsage(begun).user).toBeLessThan(250_000);
    expect(Math.abs((end ?? 0) - (from + (1e9 / perWeek) * WEEK))).toBeLessThan(2 * DAY);
  });

  it('ends at an hour that is not held', () => {
    const config = resolveConfig({
      perSecondOnPeak: 0,
      perSecondOffPeak: 5,
      onPeakWdayBegin: 0,
      onPeakWdayEnd: 6,
    });
    const end = new Date(estimateEnd(config, from, 1e9) ?? 0);
    expect(end.getUTCHours() < 5 || end.getUTCHours() >= 18).toBe(true);
  });
});
