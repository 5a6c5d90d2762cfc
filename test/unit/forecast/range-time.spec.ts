import fc from 'fast-check';
import { computeForecast } from '../../../lib/forecast/compute-forecast.js';
import type { MeasuredSpeed } from '../../../lib/forecast/measurement.js';
import { rangeMs } from '../../../lib/forecast/range-time.js';
import { resolveConfig } from '../../../lib/config/backfill-config.js';

/** The library's own time for a range. */
const LIBRARY_MS = 1;
const speed = (given: Partial<MeasuredSpeed> = {}): MeasuredSpeed => ({
  atOnce: 4,
  rows: 100,
  ms: [40, 40, 40],
  cpuMs: 5,
  alone: [{ rows: 100, ms: 20 }],
  ...given,
});
const expected = (measured: MeasuredSpeed, rows = 100, concurrency = 4) =>
  (rangeMs(measured, { rows, concurrency })?.expected ?? NaN) - LIBRARY_MS;

describe('the time between two ranges', () => {
  it('is the time of a batch by how many there were at once', () => {
    expect(expected(speed())).toBe(10);
    expect(rangeMs(speed({ ms: [] }), { rows: 100, concurrency: 4 })).toBeNull();
  });

  it('with fewer at once is no shorter than batches alone allow', () => {
    expect(expected(speed(), 100, 1)).toBe(20);
    expect(expected(speed(), 100, 2)).toBe(10);
  });

  it('with more at once falls until the CPU is busy, or not at all', () => {
    const range = rangeMs(speed(), { rows: 100, concurrency: 5 });
    expect(range?.expected).toBe(8 + LIBRARY_MS);
    expect(range?.high).toBe(10 + LIBRARY_MS);
    expect(expected(speed(), 100, 100)).toBe(5);
  });

  it('with more at once is no longer, where the CPU was busy with other work, too', () => {
    expect(expected(speed({ cpuMs: 50 }), 100, 4)).toBe(10);
    expect(expected(speed({ cpuMs: 50 }), 100, 5)).toBe(10);
  });

  it('of larger ranges follows the line through the sizes that were timed', () => {
    const alone = [
      { rows: 100, ms: 20 },
      { rows: 500, ms: 60 },
    ];
    // 10 ms and 0.1 ms a row.
    expect(expected(speed({ alone }), 500)).toBeCloseTo(30, 9);
    expect(expected(speed({ alone }), 1_000)).toBeCloseTo(55, 9);
    expect(expected(speed({ alone: [] }), 200)).toBeCloseTo(20, 9);
  });

  const anySpeed = fc.record({
    atOnce: fc.integer({ min: 1, max: 16 }),
    rows: fc.integer({ min: 1, max: 500 }),
    ms: fc.array(fc.double({ min: 0.01, max: 10_000, noNaN: true }), { minLength: 1, maxLength: 20 }),
    cpuMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
    alone: fc.array(
      fc.record({
        rows: fc.integer({ min: 1, max: 500 }),
        ms: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
      }),
      { maxLength: 2 },
    ),
  });
  const anyRanges = fc.record({
    rows: fc.integer({ min: 1, max: 10_000 }),
    concurrency: fc.integer({ min: 1, max: 64 }),
  });

  it('is finite, positive and in order', () => {
    fc.assert(
      fc.property(anySpeed, anyRanges, (measured, ranges) => {
        const { low, expected: middle, high } = rangeMs(measured, ranges) ?? { low: 0, expected: 0, high: 0 };
        expect(low).toBeGreaterThan(0);
        expect(middle).toBeGreaterThanOrEqual(low);
        expect(high).toBeGreaterThanOrEqual(middle);
        expect(high).toBeLessThan(Infinity);
      }),
    );
  });

  it('never grows with the concurrency, and never falls with the rows', () => {
    fc.assert(
      fc.property(anySpeed, anyRanges, (measured, { rows, concurrency }) => {
        // With the time of the library: a difference of tiny times would be rounded.
        const at = (size: number, many: number) =>
          rangeMs(measured, { rows: size, concurrency: many })?.expected ?? NaN;
        expect(at(rows, concurrency + 1)).toBeLessThanOrEqual(at(rows, concurrency) * (1 + 1e-9));
        expect(at(rows + 1, concurrency)).toBeGreaterThanOrEqual(at(rows, concurrency) * (1 - 1e-9));
      }),
    );
  });
});

it('is what an unpaced run is forecast by', () => {
  const config = resolveConfig({
    batchSize: 100,
    concurrency: 4,
    perSecondOnPeak: null,
    perSecondOffPeak: null,
  });
  const slow = { rows: 100, changed: 100, ms: 400, databaseMs: 20, cpuMs: 400, calls: 0, wal: null };
  const measurement = { at: 0, shape: 'batch', batches: [slow, slow], table: null, speed: speed() } as const;
  const run = { config, rowsTotal: 100_000, ranges: 1_000, at: 0 };
  const { durationMs, limitedBy } = computeForecast(measurement, run);
  expect(durationMs?.expected).toBeCloseTo(11_400, -2);
  expect(limitedBy).toBe('handler');
});
