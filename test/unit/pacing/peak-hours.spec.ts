import { describe, expect, it } from '@jest/globals';
import { DateTime } from 'luxon';
import { resolveConfig, type BackfillConfigPatch } from '../../../lib/config/backfill-config.js';
import { currentRate, isOnPeak, nextPeakChange } from '../../../lib/pacing/peak-hours.js';

function epoch(iso: string, zone = 'UTC'): number {
  return DateTime.fromISO(iso, { zone }).toMillis();
}

function peak(weekdays: readonly [number, number], hours: readonly [number, number], zone = 'UTC') {
  return resolveConfig({
    onPeakWdayBegin: weekdays[0],
    onPeakWdayEnd: weekdays[1],
    onPeakHourBegin: hours[0],
    onPeakHourEnd: hours[1],
    onPeakTimezone: zone,
  });
}

describe('isOnPeak', () => {
  // 2020-11-16 was a Monday.
  it.each([
    ['2020-11-16T04:59:59.999', false],
    ['2020-11-16T05:00:00', true],
    ['2020-11-16T17:59:59.999', true],
    ['2020-11-16T18:00:00', false],
    ['2020-11-20T12:00:00', true],
    ['2020-11-21T12:00:00', false],
    ['2020-11-22T12:00:00', false],
  ])('with the defaults, Monday to Friday and 5 to 17, at %s: %p', (iso, expected) => {
    expect(isOnPeak(resolveConfig(), epoch(iso))).toBe(expected);
  });

  it('reads the clock of the zone', () => {
    const config = peak([1, 5], [9, 17], 'Asia/Kolkata');
    expect(isOnPeak(config, epoch('2020-11-16T03:29:59Z'))).toBe(false);
    expect(isOnPeak(config, epoch('2020-11-16T03:30:00Z'))).toBe(true);
  });

  it.each([
    ['Thursday', '2020-11-19T12:00', false],
    ['Friday', '2020-11-20T12:00', true],
    ['Sunday', '2020-11-22T12:00', true],
    ['Monday', '2020-11-23T12:00', true],
    ['Tuesday', '2020-11-24T12:00', false],
  ])('wraps around the week: Friday to Monday on a %s', (_day, iso, expected) => {
    expect(isOnPeak(peak([5, 1], [0, 23]), epoch(iso))).toBe(expected);
  });

  it.each([
    ['Friday before dawn, the night of Thursday', '2020-11-20T03:00', false],
    ['Friday at noon', '2020-11-20T12:00', false],
    ['Friday night', '2020-11-20T22:00', true],
    ['Saturday before dawn', '2020-11-21T05:59:59', true],
    ['Saturday morning', '2020-11-21T06:00', false],
    ['Monday night', '2020-11-23T23:00', true],
    ['Tuesday before dawn, the night of Monday', '2020-11-24T03:00', true],
    ['Tuesday night', '2020-11-24T22:00', false],
  ])('counts the hours after midnight to the day they began on: %s', (_when, iso, expected) => {
    expect(isOnPeak(peak([5, 1], [22, 5]), epoch(iso))).toBe(expected);
  });

  it('can be a single hour of a single day', () => {
    const config = peak([3, 3], [0, 0]);
    expect(isOnPeak(config, epoch('2020-11-18T00:30'))).toBe(true);
    expect(isOnPeak(config, epoch('2020-11-18T01:00'))).toBe(false);
    expect(isOnPeak(config, epoch('2020-11-19T00:30'))).toBe(false);
  });
});

describe('nextPeakChange', () => {
  it.each([
    ['2020-11-16T04:00', '2020-11-16T05:00'],
    ['2020-11-16T05:00', '2020-11-16T18:00'],
    ['2020-11-20T18:00', '2020-11-23T05:00'],
  ])('with the defaults, after %s it is %s', (at, expected) => {
    expect(nextPeakChange(resolveConfig(), epoch(at))).toBe(epoch(expected));
  });

  it('answers an instant after the one it was given, even right before it', () => {
    expect(nextPeakChange(resolveConfig(), epoch('2020-11-16T05:00') - 0.25)).toBe(epoch('2020-11-16T05:00'));
  });

  it('passes over midnights at which nothing changes', () => {
    expect(nextPeakChange(peak([5, 1], [0, 23]), epoch('2020-11-20T12:00'))).toBe(epoch('2020-11-24T00:00'));
  });

  it.each([
    [0, 23],
    [5, 4],
  ])('is null when it is peak at all hours, as %i to %i', (begin, end) => {
    expect(
      nextPeakChange(peak([0, 6], [begin, end], 'America/New_York'), epoch('2021-03-13T12:00')),
    ).toBeNull();
    expect(nextPeakChange(peak([3, 2], [begin, end]), epoch('2021-03-13T12:00'))).toBeNull();
  });

  it('is null beyond what a Date can hold', () => {
    expect(nextPeakChange(resolveConfig({ onPeakTimezone: 'Europe/Lisbon' }), 8.64e15)).toBeNull();
  });
});

describe('when the clocks change', () => {
  it.each([
    [
      'a skipped beginning comes with the jump',
      [0, 6],
      [2, 4],
      'America/New_York',
      '2021-03-14T01:30',
      '2021-03-14T07:00Z',
    ],
    [
      'a skipped end comes with the jump',
      [0, 6],
      [22, 1],
      'America/New_York',
      '2021-03-14T01:30',
      '2021-03-14T07:00Z',
    ],
    [
      'an hour that comes twice counts twice',
      [0, 6],
      [1, 1],
      'America/New_York',
      '2021-11-07T00:59',
      '2021-11-07T05:00Z',
    ],
    [
      'and ends after the second time',
      [0, 6],
      [1, 1],
      'America/New_York',
      '2021-11-07T01:00',
      '2021-11-07T07:00Z',
    ],
    ['half an hour back', [0, 6], [2, 5], 'Australia/Lord_Howe', '2021-04-04T01:29', '2021-04-03T15:30Z'],
    ['half an hour on', [0, 6], [2, 5], 'Australia/Lord_Howe', '2021-10-03T01:59', '2021-10-02T15:30Z'],
    ['a midnight that is skipped', [0, 6], [0, 5], 'America/Havana', '2021-03-13T23:30', '2021-03-14T05:00Z'],
    [
      'a midnight that comes twice',
      [0, 6],
      [1, 5],
      'America/Havana',
      '2021-11-07T00:30',
      '2021-11-07T06:00Z',
    ],
    ['a day that ends twice', [4, 4], [0, 23], 'Africa/Cairo', '2023-10-26T12:00', '2023-10-26T22:00Z'],
    [
      'back over midnight, off again',
      [0, 0],
      [0, 23],
      'America/St_Johns',
      '2010-11-06T12:00',
      '2010-11-07T02:30Z',
    ],
    ['a day that never was', [5, 5], [0, 23], 'Pacific/Apia', '2011-12-24T12:00', '2012-01-05T10:00Z'],
  ] as const)('%s', (_what, weekdays, hours, zone, at, expected) => {
    expect(nextPeakChange(peak(weekdays, hours, zone), epoch(at, zone))).toBe(epoch(expected));
  });

  it('finds the one hour a week again that was skipped', () => {
    const config = peak([0, 0], [2, 2], 'America/New_York');
    const at = epoch('2021-03-07T03:00', 'America/New_York');
    expect(nextPeakChange(config, at)).toBe(epoch('2021-03-21T02:00', 'America/New_York'));
  });
});

describe('currentRate', () => {
  const monday = epoch('2020-11-16T12:00');
  const sunday = epoch('2020-11-15T12:00');

  it.each<[BackfillConfigPatch, number, number | null, string]>([
    [{}, monday, 3, 'on peak'],
    [{}, sunday, 7.5, 'off peak'],
    [{ perSecondOnPeak: null }, monday, null, 'on peak'],
    [{ perSecondOffPeak: null }, sunday, null, 'off peak'],
    [{ perSecondOnPeak: 0 }, monday, 0, 'held'],
    [{ perSecondOnPeak: 0 }, sunday, 7.5, 'off peak'],
    [{ perSecondOnPeak: 0, perSecondOffPeak: 0 }, sunday, 0, 'held'],
    [{ perSecondOnPeak: 5, perSecondOffPeak: 5 }, sunday, 5, 'all hours'],
    [{ perSecondOnPeak: null, perSecondOffPeak: null }, monday, null, 'all hours'],
  ])('%j at %i is %p, %s', (patch, at, perSecond, reason) => {
    expect(currentRate(resolveConfig(patch), at)).toEqual({ perSecond, reason });
  });
});
