import fc from 'fast-check';
import { resolveConfig } from '../../../lib/config/backfill-config.js';
import { limitingFactor } from '../../../lib/status/limiting-factor.js';
import type { LimitFacts } from '../../../lib/status/limiting-factor.js';
import { earliestEndOf, estimatedEndOf } from '../../../lib/status/run-eta.js';
import { aRun, facts, samplesAt, START } from './a-run.js';

type Fields = Parameters<typeof aRun>[0];

const LATER = START + 3_600_000;
const rates = (onPeak: number | null, offPeak: number | null, more = {}) =>
  resolveConfig({ batchSize: 10, perSecondOnPeak: onPeak, perSecondOffPeak: offPeak, ...more });

function limits(overrides: Partial<LimitFacts> = {}): LimitFacts {
  const none = { hold: null, budget: null, stall: null, overrides: [], concurrency: null, processes: 2 };
  return { ...facts(overrides), ...none, ...overrides };
}

function factorOf(fields: Fields = {}, overrides: Partial<LimitFacts> = {}) {
  return limitingFactor(aRun(fields), limits(overrides));
}

const hold = (fields: object = {}) => ({
  scope: 'run' as const,
  by: null,
  reason: 'the database is away',
  since: START,
  until: null,
  ...fields,
});
const slow = { samples: samplesAt(2, LATER), now: LATER };
const budget = { limit: 'rowsPerSecond', share: 0.25, reason: 'the budget: rowsPerSecond, share 25 %' };

describe('what delays the end of a run most', () => {
  it('is the configured rate while nothing else is slower', () => {
    // The first of January 2030 is a Tuesday; at midnight it is off peak.
    expect(factorOf()).toEqual({
      kind: 'rate',
      name: 'perSecondOffPeak',
      value: 10,
      reason: '10 ranges a second are configured off peak',
    });
  });

  it('is the rate of the hours in which most of the rest is done', () => {
    // 16 hours off peak a day, and on weekends.
    const longWalk = { rowsTotal: 100_000_000 };
    expect(factorOf(longWalk, { config: rates(10, 10) })).toMatchObject({ name: 'perSecondOffPeak' });
    expect(factorOf(longWalk, { config: rates(50, 1) })).toMatchObject({ name: 'perSecondOnPeak' });
    expect(factorOf(longWalk, { config: rates(0, 1) })).toMatchObject({ name: 'perSecondOffPeak', value: 1 });
  });

  it('is a rate of 0 that leaves it nothing to do until other hours', () => {
    const config = rates(0, 1000, { onPeakHourBegin: 0, onPeakHourEnd: 22 });
    expect(
      factorOf({ interval: -1 }, { config, hold: hold({ until: START + 60_000 }), heldUntil: 1 }),
    ).toMatchObject({
      kind: 'rate',
      name: 'perSecondOnPeak',
      value: 0,
    });
    const never = { config: rates(0, 0), hold: hold(), heldUntil: null };
    expect(factorOf({ interval: -1 }, never)).toMatchObject({
      kind: 'rate',
      value: 0,
      reason: 'the configured rate is 0',
    });
  });

  it('is the throttle that takes a part of the rate, by its name', () => {
    const lag = {
      pressure: 0.8,
      interval: 500_000,
      pressureReason: 'lag 12 s',
      pressureBy: 'replica|lag 12 s',
    };
    expect(factorOf(lag)).toEqual({ kind: 'throttle', name: 'replica', value: 0.8, reason: 'lag 12 s' });
    const { pressureBy: _, ...earlier } = lag;
    expect(factorOf(earlier)).toMatchObject({ kind: 'throttle', name: null });
    expect(factorOf({ ...lag, pressureBy: 'other|lag 3 s' })).toMatchObject({ kind: 'throttle', name: null });
    expect(factorOf({ ...lag, pressureBy: '|lag 12 s' }, { callsPerSecond: null })).toMatchObject({
      kind: 'quota',
    });
    // One that takes next to nothing is not what delays it.
    expect(factorOf({ ...lag, pressure: 0.05, interval: 105_263 })).toMatchObject({ kind: 'rate' });
    // One that holds it.
    const held = { ...lag, pressure: 1, interval: -1 };
    expect(factorOf(held, { hold: hold({ reason: 'lag 12 s' }), heldUntil: null })).toMatchObject({
      kind: 'throttle',
      name: 'replica',
      value: 1,
    });
  });

  it('is the override of a throttle that is tightened', () => {
    const override = {
      throttle: 'replica',
      factor: 3,
      until: '2030-01-01T06:00:00.000Z',
      by: 'ada',
      reason: null,
    };
    const lag = {
      pressure: 0.8,
      interval: 500_000,
      pressureReason: 'lag 12 s',
      pressureBy: 'replica|lag 12 s',
    };
    expect(factorOf(lag, { overrides: [override] })).toEqual({
      kind: 'override',
      name: 'replica',
      value: 3,
      reason: 'replica × 3 until 2030-01-01T06:00:00.000Z: lag 12 s',
    });
    expect(factorOf(lag, { overrides: [{ ...override, factor: 0.5 }] })).toMatchObject({ kind: 'throttle' });
  });

  it('is the concurrency where the workers are slower than the rate', () => {
    expect(factorOf({}, { ...slow, config: rates(10, 10, { concurrency: 3 }) })).toEqual({
      kind: 'concurrency',
      name: 'concurrency',
      value: 3,
      reason: '2 processes do 2 ranges a second',
    });
    const rows = { ...slow, samples: samplesAt(0, LATER, 20), shape: 'row' as const, processes: 1 };
    expect(factorOf({}, { ...rows, config: rates(10, 10, { rowConcurrency: 7 }) })).toEqual({
      kind: 'concurrency',
      name: 'rowConcurrency',
      value: 7,
      reason: '1 process does 2 ranges a second',
    });
    expect(factorOf({ interval: 0 }, { config: rates(null, null) })).toMatchObject({
      kind: 'concurrency',
      reason: '2 processes do nothing yet',
    });
  });

  it('is the adaptive concurrency, and the throttle that lowers it', () => {
    const concurrency = {
      unit: 'ranges' as const,
      value: 8,
      min: 1,
      max: 8,
      reason: 'at its maximum',
      since: '2030-01-01T00:00:00.000Z',
    };
    const config = rates(10, 10, { concurrency: { min: 1, max: 8 } });
    expect(factorOf({}, { ...slow, config, concurrency })).toEqual({
      kind: 'concurrency',
      name: 'concurrency',
      value: 8,
      reason: '2 processes do 2 ranges a second with 8 at once, of 1 to 8 (at its maximum)',
    });
    const lag = { pressure: 0.4, pressureReason: 'lag 12 s', pressureBy: 'replica|lag 12 s' };
    const state = JSON.stringify({
      value: 2,
      reason: 'lowered: lag 12 s',
      since: LATER,
      at: LATER,
      begunAt: START,
      processes: 2,
      min: 1,
      floorMs: null,
      latencyMs: null,
      used: 2,
      pressure: 0.4,
      stretch: 1,
      ceiling: null,
      good: 2,
      raisedAt: START,
      loweredAt: LATER,
      severity: 0.4,
      raises: 0,
      calmSince: LATER,
      ended: 0,
      totals: null,
    });
    expect(
      factorOf(
        { ...lag, concurrency: state },
        { ...slow, config, concurrency: { ...concurrency, value: 2 } },
      ),
    ).toMatchObject({ kind: 'throttle', name: 'replica' });
  });

  it('is the budget where the workers wait for it', () => {
    expect(factorOf({}, { ...slow, budget })).toEqual({
      kind: 'budget',
      name: 'rowsPerSecond',
      value: 0.25,
      reason: budget.reason,
    });
    const perTable = {
      limit: 'perTable',
      share: 0,
      reason: 'the budget: run x works on its table (perTable)',
    };
    expect(factorOf({}, { budget: perTable, hold: hold(), heldUntil: null })).toMatchObject({
      kind: 'budget',
      name: 'perTable',
    });
    // It waits for the budget now and then, and is as fast as it may be.
    expect(factorOf({}, { budget })).toMatchObject({ kind: 'rate' });
  });

  it('is that most attempts fail', () => {
    expect(factorOf({ done: 10, retries: 30 }, slow)).toEqual({
      kind: 'failures',
      name: null,
      value: 30,
      reason: '30 attempts failed and are repeated',
    });
    expect(factorOf({ done: 100, retries: 30 }, slow)).toMatchObject({ kind: 'concurrency' });
  });

  it('is the quota where that is less than the rate', () => {
    expect(factorOf({}, { shape: 'row', callsPerSecond: 20 })).toEqual({
      kind: 'quota',
      name: 'quota',
      value: 20,
      reason: '20 calls a second are allowed',
    });
    expect(factorOf({}, { shape: 'row', callsPerSecond: 2000 })).toMatchObject({ kind: 'rate' });
    // How many calls a range makes is not known yet.
    expect(factorOf({ quotaCalls: 8 }, { callsPerSecond: 1 })).toMatchObject({ kind: 'quota' });
  });

  it.each([
    ['paused', { status: 'paused', reason: 'lunch', pausedBy: 'ada' }, {}, 'paused', 'ada'],
    [
      'verified',
      { verification: '{"sweeps":1,"phase":"count","round":1,"left":null,"swept":0}' },
      {},
      'verification',
      null,
    ],
    ['without workers', {}, { unmanned: true, stalled: true }, 'workers', null],
    ['stalled', {}, { stalled: true }, 'stalled', null],
    ['held by an outage', { holdUntil: START - 1 }, { hold: hold(), heldUntil: null }, 'held', null],
    ['held with all runs', {}, { hold: hold({ scope: 'all', by: 'ada' }), heldUntil: null }, 'held', 'ada'],
  ] as [string, Fields, Partial<LimitFacts>, string, string | null][])(
    'is why a run does not go on that is %s',
    (_, fields, overrides, kind, name) => {
      expect(factorOf(fields, overrides)).toMatchObject({ kind, name });
    },
  );

  it('is what a stalled run waits for', () => {
    const reason = 'a lock of public.orders, which session 7 holds';
    const stall = { since: START, waitingFor: { kind: 'lock', reason } } as LimitFacts['stall'];
    expect(factorOf({}, { stalled: true, stall })).toEqual({
      kind: 'stalled',
      name: 'lock',
      value: null,
      reason: `it is stalled, waiting for ${reason}`,
    });
  });

  it('is a hold with an end where that takes a part of the time', () => {
    const until = START + 3_600_000;
    const held = { hold: hold({ until }), heldUntil: until };
    expect(factorOf({ holdUntil: until }, held)).toMatchObject({
      kind: 'held',
      reason: 'it is held: the database is away',
    });
    const soon = START + 1000;
    expect(factorOf({ holdUntil: soon }, { hold: hold({ until: soon }), heldUntil: soon })).toMatchObject({
      kind: 'rate',
    });
  });

  it('is nothing where nothing is left to do', () => {
    expect(factorOf({ exhausted: 1, planned: 100, done: 100 })).toBeNull();
  });

  it('is something of any run that has something to do, and can be doubled to end it earlier where it is a rate', () => {
    const rate = fc.constantFrom(null, 0, 0.01, 1, 10, 500);
    const hour = fc.integer({ min: 0, max: 23 });
    const run = fc.record({
      onPeak: rate,
      offPeak: rate,
      begin: hour,
      end: hour,
      timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
      now: fc.integer({ min: Date.parse('2030-03-20'), max: Date.parse('2030-11-20') }),
      rows: fc.integer({ min: 1, max: 50_000_000 }),
      pressure: fc.constantFrom(0, 0.5),
      workers: fc.constantFrom(0, 3, 10_000),
      calls: fc.constantFrom(null, 5, 5000),
    });
    fc.assert(
      fc.property(run, ({ onPeak, offPeak, begin, end, timezone, now, rows, pressure, workers, calls }) => {
        const hours = { onPeakTimezone: timezone, onPeakHourBegin: begin, onPeakHourEnd: end };
        const config = rates(onPeak, offPeak, hours);
        const fields = {
          rowsTotal: rows,
          pressure,
          stateSince: `running|0|${now - 3_600_000}|0`,
          planned: 0,
        };
        const given = {
          config,
          now,
          callsPerSecond: calls,
          shape: 'row' as const,
          samples: workers === 0 ? [] : samplesAt(workers, now),
        };
        const limit = factorOf(fields, given);
        expect(limit).not.toBeNull();
        const ended = estimatedEndOf(aRun(fields), limits(given));
        if (limit?.kind === 'rate' && limit.value && ended !== null) {
          const doubled = { ...config, [limit.name ?? '']: 2 * limit.value };
          expect(earliestEndOf(aRun(fields), limits({ ...given, config: doubled })) ?? 0).toBeLessThanOrEqual(
            ended,
          );
        }
      }),
    );
  });
});

describe('the earliest end of a run that nothing moves', () => {
  it('is as if it went on now at the rates of its config', () => {
    const paused = aRun({ status: 'paused', pressure: 0.5 });
    expect(estimatedEndOf(paused, limits())).toBeNull();
    expect(earliestEndOf(paused, limits())).toBe(START + 99_900);
    expect(earliestEndOf(aRun(), limits({ heldUntil: null }))).toBe(START + 99_900);
    expect(earliestEndOf(paused, limits({ config: rates(null, null) }))).toBeNull();
    expect(earliestEndOf(paused, limits({ shape: 'row', callsPerSecond: 20 }))).toBe(START + 499_500);
  });

  it('considers the hours until then, and that an hour is left out or repeated', () => {
    const night = {
      onPeakTimezone: 'Europe/Berlin',
      onPeakWdayBegin: 0,
      onPeakWdayEnd: 6,
      onPeakHourBegin: 6,
      onPeakHourEnd: 21,
    };
    // Off peak from 22 to 6: 7 hours in the night to 2030-03-31, 9 in that to 2030-10-27.
    for (const [from, hours] of [
      ['2030-03-30T21:00:00Z', 7],
      ['2030-10-26T20:00:00Z', 9],
      ['2030-06-01T20:00:00Z', 8],
    ] as const) {
      const now = Date.parse(from);
      const ranges = hours * 3600;
      const config = rates(0, 1, night);
      const end = (more: number) =>
        earliestEndOf(
          aRun({ rowsTotal: 10 * (ranges + more), planned: 0 }),
          limits({ config, now, heldUntil: null }),
        );
      expect(end(0)).toBe(now + (ranges - 1) * 1000);
      // One more starts in the next night: 16 hours later by the clock on the wall.
      expect(end(1)).toBe(now + (hours + 16) * 3_600_000);
    }
  });
});
