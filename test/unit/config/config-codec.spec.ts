import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BackfillConfigPatch } from '../../../lib/config/backfill-config.js';
import { decodeConfigPatch, encodeConfigPatch } from '../../../lib/config/config-codec.js';
import { BackfillConfigError } from '../../../lib/errors/backfill-config.error.js';

const where = { backfill: 'enrich', origin: 'redis' } as const;

const rate = fc.option(
  fc.double({ min: 0, max: 100_000, noNaN: true }).map((value) => value + 0),
  { nil: null },
);

const setting = fc.oneof(
  fc.integer({ min: 1, max: 1000 }),
  fc
    .tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 500 }))
    .map(([min, more]) => ({ min, max: min + more })),
);

const patches: fc.Arbitrary<BackfillConfigPatch> = fc.record(
  {
    batchSize: fc.integer({ min: 1, max: 1_000_000 }),
    duration: fc.double({ min: 1e-9, max: 86_400, noNaN: true }),
    perSecondOnPeak: rate,
    perSecondOffPeak: rate,
    onPeakTimezone: fc.constantFrom('UTC', 'Asia/Kolkata', 'America/St_Johns'),
    onPeakWdayBegin: fc.integer({ min: 0, max: 6 }),
    onPeakHourEnd: fc.integer({ min: 0, max: 23 }),
    concurrency: setting,
    rowConcurrency: setting,
    backoffMs: fc.integer({ min: 0, max: 86_400_000 }),
    maxFailures: fc.oneof(
      fc.constant(null),
      fc.nat(),
      fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%` as const),
    ),
    rowTimeoutMs: fc.option(fc.integer({ min: 1, max: 86_400_000 }), { nil: null }),
    quota: fc.option(
      fc.record({ max: fc.integer({ min: 1, max: 1000 }), perMs: fc.integer({ min: 10, max: 60_000 }) }),
      { nil: null },
    ),
    autoTune: fc.option(
      fc.record({
        targetMs: fc.integer({ min: 1, max: 10_000 }),
        min: fc.integer({ min: 1, max: 100 }),
        max: fc.integer({ min: 100, max: 1000 }),
      }),
      { nil: null },
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
);

describe('encodeConfigPatch and decodeConfigPatch', () => {
  it('give back every patch as it was', () => {
    fc.assert(
      fc.property(patches, (patch) => {
        expect(decodeConfigPatch(encodeConfigPatch(patch), where)).toEqual(patch);
      }),
    );
  });

  it('write plain strings', () => {
    expect(
      encodeConfigPatch({ batchSize: 5, perSecondOnPeak: null, maxFailures: '5%', attempts: undefined }),
    ).toEqual({ batchSize: '5', perSecondOnPeak: 'null', maxFailures: '5%' });
  });

  it('write bounds so that earlier versions read the minimum, and remove them with a number', () => {
    expect(encodeConfigPatch({ concurrency: { min: 2, max: 32 }, rowConcurrency: 5 })).toEqual({
      concurrency: '2',
      'concurrency.bounds': '{"min":2,"max":32}',
      rowConcurrency: '5',
      'rowConcurrency.bounds': '',
    });
  });

  it('read the number that an earlier version has set over bounds', () => {
    const hash = { concurrency: '7', 'concurrency.bounds': '{"min":2,"max":32}' };
    expect(decodeConfigPatch(hash, where)).toEqual({ concurrency: 7 });
    expect(decodeConfigPatch({ ...hash, concurrency: '2' }, where)).toEqual({
      concurrency: { min: 2, max: 32 },
    });
    expect(() => decodeConfigPatch({ ...hash, 'concurrency.bounds': '{"min":2' }, where)).toThrow(
      /concurrency: expected/,
    );
  });

  it('read an empty hash as nothing set', () => {
    expect(decodeConfigPatch({}, where)).toEqual({});
  });

  it.each([
    ['batchSize', 'many'],
    ['batchSize', ''],
    ['batchSize', '0x10'],
    ['batchSize', ' 5'],
    ['batchSize', 'null'],
    ['duration', '1e999'],
    ['perSecondOnPeak', 'NaN'],
    ['onPeakTimezone', 'null'],
    ['onPeakTimezone', '3'],
    ['maxFailures', '5 %'],
  ])('refuse %s with the value %j, naming both', (field, text) => {
    expect(() => decodeConfigPatch({ attempts: '3', [field]: text }, where)).toThrow(BackfillConfigError);
    expect(() => decodeConfigPatch({ attempts: '3', [field]: text }, where)).toThrow(
      new RegExp(`backfill "enrich".*stored in Redis[^]*${field}: expected`),
    );
  });

  it('report fields of another release and read the others', () => {
    const unknown: string[] = [];
    const hash = { batchSize: '5', turboMode: 'on', constructor: 'x' };
    expect(decodeConfigPatch(hash, where, unknown)).toEqual({ batchSize: 5 });
    expect(unknown).toEqual(['turboMode', 'constructor']);
    expect(decodeConfigPatch(hash, where)).toEqual({ batchSize: 5 });
  });
});
