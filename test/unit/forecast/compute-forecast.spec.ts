import { computeForecast } from '../../../lib/forecast/compute-forecast.js';
import { pagesTouched } from '../../../lib/forecast/forecast-wal.js';
import { meanInterval } from '../../../lib/forecast/mean-interval.js';
import type { MeasuredBatch, Measurement } from '../../../lib/forecast/measurement.js';
import { resolveConfig } from '../../../lib/config/backfill-config.js';

const at = Date.UTC(2026, 0, 5);
const batch = (given: Partial<MeasuredBatch> = {}): MeasuredBatch => ({
  rows: 100,
  changed: 100,
  ms: 50,
  databaseMs: 20,
  cpuMs: 10,
  calls: 0,
  wal: null,
  ...given,
});
const measured = (batches: readonly MeasuredBatch[], given: Partial<Measurement> = {}): Measurement => ({
  at,
  shape: 'batch',
  batches,
  table: null,
  ...given,
});
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };
const plan = (config: object, rowsTotal = 100_000, ranges = 1_000) => ({
  config: resolveConfig({ batchSize: 100, concurrency: 4, ...UNPACED, ...config }),
  rowsTotal,
  ranges,
  at,
});

describe('a forecast', () => {
  it('lasts as long as the rate says, within its margin', () => {
    const rate = { perSecondOnPeak: 10, perSecondOffPeak: 10 };
    const { durationMs, limitedBy, msPerRow } = computeForecast(measured([batch(), batch()]), plan(rate));
    // The last of 1,000 ranges starts after 99.9 s and takes 50 ms.
    expect(durationMs).toEqual({ low: 97_951, expected: 99_950, high: 101_949 });
    expect(limitedBy).toBe('rate');
    expect(msPerRow).toEqual({ low: 0.5, expected: 0.5, high: 0.5 });
  });

  it('lasts as long as one process takes where it is unpaced, or slower than the rate', () => {
    const fast = { perSecondOnPeak: 1_000, perSecondOffPeak: 1_000 };
    for (const config of [{}, fast]) {
      const { durationMs, limitedBy } = computeForecast(measured([batch(), batch()]), plan(config));
      // Four ranges of 50 ms at once: 80 ranges a second.
      expect(durationMs?.expected).toBeCloseTo(12_538, -1);
      expect(limitedBy).toBe('handler');
    }
    const busy = computeForecast(measured([batch({ cpuMs: 40 }), batch({ cpuMs: 40 })]), plan({}));
    expect(busy.durationMs?.expected).toBeCloseTo(40_000, -2);
  });

  it('handles the rows of a range at once for row handlers', () => {
    const rows = measured([batch({ ms: 1_000 }), batch({ ms: 1_000 })], { shape: 'row' });
    const { durationMs } = computeForecast(rows, plan({ rowConcurrency: 10 }));
    expect(durationMs?.expected).toBeCloseTo(26_000, -4);
  });

  it('lasts as long as the quota makes its calls take', () => {
    const calling = [batch({ calls: 100 }), batch({ calls: 100 })];
    const quota = { max: 50, perMs: 1_000 };
    const { calls, quotaMs, durationMs, limitedBy } = computeForecast(measured(calling), plan({ quota }));
    expect(calls?.expected).toBe(100_000);
    expect(quotaMs?.expected).toBeCloseTo(2_060_000, -4);
    expect(durationMs?.expected).toBe(quotaMs?.expected);
    expect(limitedBy).toBe('quota');
  });

  it('has no end at a rate of 0, and leaves out what the database does not tell', () => {
    const held = computeForecast(measured([batch()]), plan({ perSecondOnPeak: 0, perSecondOffPeak: 0 }));
    expect(held).toMatchObject({
      durationMs: null,
      limitedBy: null,
      walBytes: null,
      hotShare: null,
      calls: null,
    });
  });

  it('has a wider range the more the batches differ, and leaves out the first of many', () => {
    const steady = [900, 50, 51, 49, 50].map((ms) => batch({ ms }));
    const { msPerRow } = computeForecast(measured(steady), plan({}));
    expect(msPerRow?.expected).toBe(0.5);
    expect((msPerRow?.high ?? 0) - (msPerRow?.low ?? 0)).toBeLessThan(0.03);
    const other = computeForecast(measured([900, 20, 80, 30, 70].map((ms) => batch({ ms }))), plan({}));
    expect((other.msPerRow?.high ?? 0) - (other.msPerRow?.low ?? 0)).toBeGreaterThan(0.5);
  });

  it('tells how many rows have the result already', () => {
    const { untouched } = computeForecast(
      measured([batch({ changed: 75 }), batch({ changed: 75 })]),
      plan({}),
    );
    expect(untouched?.expected).toBe(0.25);
    expect(untouched?.low).toBeGreaterThan(0.18);
    expect(untouched?.high).toBeLessThan(0.33);
  });

  it('adds to the records an image of each page that the run touches', () => {
    const wal = {
      bytes: 30_000 + 4 * 8_000,
      recordBytes: 30_000,
      heapPages: 3,
      updated: 100,
      hotUpdated: 0,
      isPlain: true,
    };
    const table = {
      pageBytes: 8_192,
      rowBytes: 200,
      pages: 2_500,
      rows: 100_000,
      checkpointMs: 300_000,
      indexes: [{ pages: 280, bytes: 280 * 8_192, isCorrelated: true }],
    };
    const forecast = computeForecast(measured([batch({ wal }), batch({ wal })], { table }), plan({}));
    // 300 bytes of records for each row, and 8,000 bytes for each page of table and index.
    expect(forecast.walBytes?.expected).toBeCloseTo(100_000 * 300 + 2_780 * 8_000, -6);
    expect(forecast).toMatchObject({ hotShare: 0, tableGrowthBytes: { low: 0, expected: 20_000_000 } });
    const hot = { ...wal, bytes: 10_000, recordBytes: 10_000, hotUpdated: 100 };
    const only = computeForecast(measured([batch({ wal: hot }), batch({ wal: hot })], { table }), plan({}));
    expect(only.walBytes?.expected).toBe(10_000_000);
    expect(only).toMatchObject({
      hotShare: 1,
      tableGrowthBytes: { expected: 0 },
      indexGrowthBytes: { expected: 0 },
    });
  });

  it('takes what was written as a whole where the handler writes other tables, too', () => {
    const wal = {
      bytes: 50_000,
      recordBytes: null,
      heapPages: 3,
      updated: 100,
      hotUpdated: 100,
      isPlain: false,
    };
    const { walBytes } = computeForecast(measured([batch({ wal }), batch({ wal })]), plan({}));
    expect(walBytes).toEqual({ low: 50_000_000, expected: 50_000_000, high: 50_000_000 });
  });
});

describe('the mean of measured values', () => {
  it('has the interval of Student', () => {
    expect(meanInterval([])).toBeNull();
    expect(meanInterval([4])).toEqual({ low: 2, expected: 4, high: 8 });
    const interval = meanInterval([9, 10, 11, 10, 10]);
    expect(interval?.expected).toBe(10);
    expect(interval?.high).toBeCloseTo(10 + 2.132 * Math.sqrt(0.5 / 5), 6);
  });
});

describe('pages that entries touch', () => {
  it('are shared by neighbours, and nearly one each where they are scattered', () => {
    expect(pagesTouched(100, 1_000, 100_000, true)).toBe(1);
    expect(pagesTouched(100_000, 1_000, 100_000, true)).toBe(1_000);
    expect(pagesTouched(10, 1_000, 100_000, false)).toBeCloseTo(9.95, 1);
    expect(pagesTouched(100_000, 1_000, 100_000, false)).toBeCloseTo(1_000, 5);
    expect(pagesTouched(0, 10, 10, true)).toBe(0);
  });
});
