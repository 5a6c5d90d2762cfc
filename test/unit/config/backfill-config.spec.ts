import { describe, expect, it } from '@jest/globals';
import { DEFAULT_BACKFILL_CONFIG, resolveConfig } from '../../../lib/config/backfill-config.js';
import { CONFIG_KEYS } from '../../../lib/config/backfill-config.schema.js';
import { parseConfigPatch } from '../../../lib/config/parse-config-patch.js';

describe('resolveConfig', () => {
  it('answers the documented defaults when nothing is set', () => {
    expect(resolveConfig()).toEqual({
      batchSize: 100,
      duration: 60,
      perSecondOnPeak: 3,
      perSecondOffPeak: 7.5,
      onPeakTimezone: 'UTC',
      onPeakWdayBegin: 1,
      onPeakWdayEnd: 5,
      onPeakHourBegin: 5,
      onPeakHourEnd: 17,
      concurrency: 4,
      rowConcurrency: 1,
      maxOutstanding: 10_000,
      attempts: 3,
      backoffMs: 1000,
      maxFailures: null,
      maxInitialFailures: 10,
      rowTimeoutMs: 60_000,
      rowAckMs: 1000,
      quota: null,
      autoTune: null,
    });
  });

  it('lets the last patch that sets a key win', () => {
    const config = resolveConfig({ batchSize: 5, attempts: 9 }, { batchSize: 6 }, { duration: 1 });
    expect(config).toMatchObject({ batchSize: 6, attempts: 9, duration: 1, concurrency: 4 });
  });

  it('keeps a value under an undefined, and lays null over it', () => {
    const config = resolveConfig(
      { batchSize: 5, maxFailures: 7 },
      { batchSize: undefined, maxFailures: null },
    );
    expect(config).toMatchObject({ batchSize: 5, maxFailures: null });
  });

  it('freezes what it answers and leaves the defaults and the patches alone', () => {
    const patch = { batchSize: 5 };
    expect(Object.isFrozen(resolveConfig(patch))).toBe(true);
    expect(Object.isFrozen(DEFAULT_BACKFILL_CONFIG)).toBe(true);
    expect(patch).toEqual({ batchSize: 5 });
    expect(DEFAULT_BACKFILL_CONFIG.batchSize).toBe(100);
  });

  it('has defaults that its own schema accepts, for exactly the keys it knows', () => {
    const where = { backfill: null, origin: 'options' } as const;
    expect(parseConfigPatch(DEFAULT_BACKFILL_CONFIG, where)).toEqual(DEFAULT_BACKFILL_CONFIG);
    expect(Object.keys(DEFAULT_BACKFILL_CONFIG)).toEqual([...CONFIG_KEYS]);
  });
});
