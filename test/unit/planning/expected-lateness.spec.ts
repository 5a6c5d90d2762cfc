import type { BackfillConfigPatch } from '../../../lib/config/backfill-config.js';
import { resolveConfig } from '../../../lib/config/backfill-config.js';
import { expectedLateness } from '../../../lib/planning/expected-lateness.js';
import type { StartingRun } from '../../../lib/planning/expected-lateness.js';

const at = Date.parse('2030-01-01T00:00:00.000Z');
const second = 1_000;

function expected(run: Partial<StartingRun> = {}, config: BackfillConfigPatch = {}) {
  const rates = { batchSize: 10, perSecondOnPeak: 10, perSecondOffPeak: 10, ...config };
  const facts = {
    finishBy: at + 60 * second,
    at,
    rowsTotal: 10_000,
    shape: 'range',
    forecast: null,
  } as const;
  return expectedLateness({ ...facts, config: resolveConfig(rates), ...run });
}

function forecastOf(ms: number, limitedBy: 'rate' | 'quota' | 'handler') {
  const durationMs = { low: ms, expected: ms, high: ms };
  return { durationMs, limitedBy } as StartingRun['forecast'];
}

describe('the lateness that is expected at the start', () => {
  it('is by the rates without a rehearsal', () => {
    expect(expected()).toEqual({
      eta: '2030-01-01T00:01:39.900Z',
      by: 39_900,
      limitedBy: {
        kind: 'rate',
        name: 'perSecondOffPeak',
        value: 10,
        reason: '10 ranges a second are configured off peak',
      },
    });
    expect(expected({ finishBy: at + 100 * second })).toBeNull();
    expect(expected({}, { perSecondOnPeak: null, perSecondOffPeak: null })).toBeNull();
  });

  it('is by the forecast, and what that is limited by', () => {
    expect(expected({ forecast: forecastOf(59 * second, 'rate') })).toBeNull();
    const ms = 3_600_000;
    expect(expected({ forecast: forecastOf(ms, 'rate') })).toMatchObject({
      eta: '2030-01-01T01:00:00.000Z',
      by: ms - 60 * second,
      limitedBy: { kind: 'rate' },
    });
    expect(
      expected({ forecast: forecastOf(ms, 'handler') }, { concurrency: { min: 1, max: 8 } }),
    ).toMatchObject({
      limitedBy: { kind: 'concurrency', name: 'concurrency', value: 8 },
    });
    expect(expected({ forecast: forecastOf(ms, 'handler'), shape: 'row' })?.limitedBy?.name).toBe(
      'rowConcurrency',
    );
    const quota = { quota: { max: 600, perMs: 60_000 } };
    expect(expected({ forecast: forecastOf(ms, 'quota') }, quota)?.limitedBy).toMatchObject({
      kind: 'quota',
      name: 'quota',
    });
  });
});
