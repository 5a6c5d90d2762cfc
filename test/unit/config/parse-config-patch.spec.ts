import { describe, expect, it } from '@jest/globals';
import { parseConfigPatch } from '../../../lib/config/parse-config-patch.js';
import { BackfillConfigError, type ConfigOrigin } from '../../../lib/errors/backfill-config.error.js';
import { BackfillError } from '../../../lib/errors/backfill-error.js';

const where = { backfill: 'enrich', origin: 'configure' } as const;

function refusal(input: unknown, origin: ConfigOrigin = 'configure', backfill: string | null = 'enrich') {
  try {
    parseConfigPatch(input, { backfill, origin });
  } catch (error) {
    if (error instanceof BackfillConfigError) return error;
    throw error;
  }
  throw new Error('expected the config to be refused');
}

describe('parseConfigPatch', () => {
  it.each([
    { batchSize: 1 },
    { rowTimeoutMs: null, rowAckMs: 10, quota: { max: 1, perMs: 10 } },
    { autoTune: { targetMs: 1, min: 5, max: 5 } },
    { batchSize: 1_000_000 },
    { duration: 0.001 },
    { duration: 86_400 },
    { perSecondOnPeak: 0 },
    { perSecondOnPeak: 100_000 },
    { perSecondOffPeak: null },
    { perSecondOffPeak: 0.001 },
    { onPeakTimezone: 'Australia/Lord_Howe' },
    { onPeakWdayBegin: 0, onPeakWdayEnd: 6 },
    { onPeakHourBegin: 23, onPeakHourEnd: 0 },
    { concurrency: 1000 },
    { concurrency: { min: 1, max: 1000 }, rowConcurrency: { min: 5, max: 5 } },
    { rowConcurrency: 10_000 },
    { maxOutstanding: 1 },
    { attempts: 100 },
    { backoffMs: 0 },
    { backoffMs: 86_400_000 },
    { maxFailures: 0 },
    { maxFailures: '5%' },
    { maxFailures: '0.5%' },
    { maxFailures: '100%' },
    { maxFailures: null },
    {},
  ])('accepts %j', (patch) => {
    expect(parseConfigPatch(patch, where)).toEqual(patch);
  });

  it.each([
    { batchSize: 0 },
    { batchSize: 1_000_001 },
    { batchSize: 1.5 },
    { batchSize: '100' },
    { batchSize: null },
    { batchSize: Number.NaN },
    { batchSize: 5n },
    { duration: 0 },
    { duration: 86_401 },
    { perSecondOnPeak: -0.1 },
    { perSecondOnPeak: 100_001 },
    { perSecondOffPeak: Number.POSITIVE_INFINITY },
    { perSecondOffPeak: Number.NaN },
    { perSecondOffPeak: 'fast' },
    { onPeakTimezone: 'Mars/Olympus' },
    { onPeakTimezone: 'system' },
    { onPeakTimezone: 'local' },
    { onPeakTimezone: '' },
    { onPeakTimezone: 2 },
    { onPeakWdayBegin: 7 },
    { onPeakWdayEnd: -1 },
    { onPeakHourBegin: 24 },
    { onPeakHourEnd: 5.5 },
    { concurrency: 0 },
    { concurrency: 1001 },
    { concurrency: { min: 0, max: 5 } },
    { concurrency: { min: 6, max: 5 } },
    { concurrency: { min: 1, max: 1001 } },
    { concurrency: { min: 1 } },
    { rowConcurrency: { min: 1, max: 5, step: 1 } },
    { concurrency: null },
    { rowConcurrency: 10_001 },
    { maxOutstanding: 1_000_001 },
    { attempts: 0 },
    { attempts: 101 },
    { backoffMs: -1 },
    { backoffMs: 86_400_001 },
    { maxFailures: -1 },
    { maxFailures: 1.5 },
    { maxFailures: '101%' },
    { maxFailures: '-1%' },
    { maxFailures: '5' },
    { maxFailures: '%' },
    { maxFailures: ' 5%' },
    { maxFailures: true },
    { rowTimeoutMs: 0 },
    { rowAckMs: null },
    { quota: 50 },
    { quota: { max: 50 } },
    { quota: { max: 0, perMs: 1000 } },
    { quota: { max: 50, perMs: 1000, burst: 5 } },
    { autoTune: true },
    { autoTune: { targetMs: 500, min: 6, max: 5 } },
  ])('refuses %p, naming the field', (patch) => {
    expect(refusal(patch).issues.map(({ field }) => field)).toEqual(Object.keys(patch));
  });

  it('ignores what is undefined, and no input at all', () => {
    expect(parseConfigPatch({ batchSize: undefined, attempts: 2 }, where)).toEqual({ attempts: 2 });
    expect(Object.keys(parseConfigPatch({ batchSize: undefined }, where))).toEqual([]);
    expect(parseConfigPatch(undefined, where)).toEqual({});
  });

  it('reads an instance of a class, as a validation pipe makes one', () => {
    class Body {
      batchSize = 7;
    }
    expect(parseConfigPatch(new Body(), where)).toEqual({ batchSize: 7 });
  });

  it.each([null, 'fast', 5, [], [{ batchSize: 1 }]])('refuses %p, which is no object', (input) => {
    expect(refusal(input).issues).toMatchObject([{ field: 'config' }]);
  });

  it('lists every bad field in one error with a stable code', () => {
    const error = refusal({ batchSize: 0, attempts: 3, per_second_on_peak: 5, onPeakTimezone: 'Mars' });
    expect(error).toBeInstanceOf(BackfillError);
    expect(error.name).toBe('BackfillConfigError');
    expect(error.code).toBe('BACKFILL_CONFIG_INVALID');
    expect(error.issues).toEqual([
      { field: 'batchSize', expected: 'a whole number from 1 to 1,000,000 (rows in a range)', received: '0' },
      {
        field: 'per_second_on_peak',
        expected: 'a known key (did you mean perSecondOnPeak?)',
        received: 'an unknown key with value 5',
      },
      {
        field: 'onPeakTimezone',
        expected: 'an IANA time zone such as "Europe/Lisbon"',
        received: '"Mars"',
      },
    ]);
    expect(error.message).toBe(
      [
        'The config of backfill "enrich" is not valid (given to configure):',
        '  batchSize: expected a whole number from 1 to 1,000,000 (rows in a range), got 0',
        '  per_second_on_peak: expected a known key (did you mean perSecondOnPeak?), got an unknown key with value 5',
        '  onPeakTimezone: expected an IANA time zone such as "Europe/Lisbon", got "Mars"',
        'Nothing was changed. Call configure("enrich", { … }) again with these fields corrected.',
      ].join('\n'),
    );
  });

  it.each<[ConfigOrigin, string | null, string]>([
    ['decorator', 'enrich', '@Backfill({ name: "enrich", config: { … } })'],
    ['start', 'enrich', 'No run was started. Call start("enrich"'],
    ['redis', 'enrich', 'Overwrite these fields with configure("enrich"'],
    ['options', null, 'Correct `config` in the options of BackfillModule.'],
  ])('says where to correct what came from %s', (origin, backfill, remedy) => {
    expect(refusal({ batchSize: 0 }, origin, backfill).message).toContain(remedy);
  });

  it.each([
    ['batchsize', 'batchSize'],
    ['batch_size', 'batchSize'],
    ['perSecondOnpeek', 'perSecondOnPeak'],
    ['onPeakTimeZone', 'onPeakTimezone'],
    ['max-failures', 'maxFailures'],
    ['backoff', 'backoffMs'],
  ])('suggests for %s the key %s', (given, meant) => {
    expect(refusal({ [given]: 1 }).issues[0]?.expected).toContain(`did you mean ${meant}?`);
  });

  it.each(['__proto__', 'constructor', 'toString'])('refuses the key %s like any other', (key) => {
    const input: unknown = JSON.parse(`{ "${key}": { "batchSize": 5 } }`);
    expect(refusal(input).issues).toMatchObject([{ field: key }]);
  });

  it('stays short and quick whatever is sent', () => {
    const error = refusal({ ['x'.repeat(100_000)]: 1, onPeakTimezone: 'y'.repeat(100_000) });
    expect(error.message.length).toBeLessThan(500);
  });
});
