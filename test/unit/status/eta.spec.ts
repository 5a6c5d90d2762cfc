import { resolveConfig } from '../../../lib/config/backfill-config.js';
import { estimatedEndOf } from '../../../lib/status/run-eta.js';
import { aRun, facts, samplesAt, START } from './a-run.js';

type Fields = Parameters<typeof aRun>[0];
type Facts = Parameters<typeof facts>[0];

const LATER = START + 3_600_000;

/** Seconds until the end; `null` where there is no estimate. */
function secondsLeft(fields: Fields = {}, overrides: Facts = {}): number | null {
  const { now = START } = overrides ?? {};
  const end = estimatedEndOf(aRun(fields), facts(overrides));
  return end === null ? null : Math.round((end - now) / 1000);
}

describe('the estimated end of a run', () => {
  it('is by the configured rate while nothing else is known', () => {
    expect(secondsLeft()).toBe(100);
  });

  it.each([
    ['stalled', {}, { stalled: true }],
    ['without workers', {}, { unmanned: true }],
    ['held without a known end', {}, { heldUntil: null }],
    ['paused', { status: 'paused' }, {}],
    ['verified', { verification: '{"sweeps":1,"phase":"count","round":1,"left":null,"swept":0}' }, {}],
    [
      'unpaced and not measured',
      { interval: 0 },
      { config: resolveConfig({ perSecondOnPeak: null, perSecondOffPeak: null }) },
    ],
  ] as [string, Fields, Facts][])('is none of a run that is %s', (_, fields, overrides) => {
    expect(secondsLeft(fields, overrides)).toBeNull();
  });

  it('is after a hold whose end is known', () => {
    const holdUntil = START + 30_000;
    expect(secondsLeft({ holdUntil }, { heldUntil: holdUntil })).toBe(130);
  });

  it('is by what throttles leave of the rate', () => {
    expect(secondsLeft({ pressure: 0.8, interval: 500_000 })).toBe(500);
    // Unpaced: a fraction of what the workers reached.
    const unpaced = resolveConfig({ batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null });
    expect(secondsLeft({ pressure: 0.8, interval: 500_000 }, { config: unpaced })).toBe(500);
  });

  it('is by the speed of the workers where these are slower', () => {
    expect(secondsLeft({}, { samples: samplesAt(2, LATER), now: LATER })).toBe(500);
    expect(secondsLeft({}, { samples: samplesAt(9.8, LATER), now: LATER })).toBe(100);
    expect(secondsLeft({}, { samples: samplesAt(0, LATER), now: LATER })).toBeNull();
  });

  it('is not by what was measured at another rate, in a hold, or by nobody any more', () => {
    const samples = samplesAt(2, LATER);
    expect(secondsLeft({ rateSince: `100000|${LATER - 2000}` }, { samples, now: LATER })).toBe(100);
    expect(secondsLeft({ stateSince: `running|0|${LATER - 2000}|0` }, { samples, now: LATER })).toBe(100);
    expect(secondsLeft({ holdUntil: LATER - 2000 }, { samples, now: LATER })).toBe(100);
    expect(secondsLeft({}, { samples, now: LATER + 30_000 })).toBe(100);
  });

  it('is by the quota of a row handler', () => {
    // A call for each of 10,000 rows.
    expect(secondsLeft({}, { shape: 'row', callsPerSecond: 20 })).toBe(500);
    expect(secondsLeft({}, { shape: 'row', callsPerSecond: 1000 })).toBe(100);
    // Three calls for each row so far. The estimate is the start of the last range.
    const calls = { progress: 1000, done: 100, quotaCalls: 3000 };
    expect(secondsLeft(calls, { shape: 'row', callsPerSecond: 20 })).toBe(1349);
  });

  it.each(['range', 'batch'] as const)('is by the calls that a %s handler makes', (shape) => {
    expect(secondsLeft({}, { shape, callsPerSecond: 1 })).toBe(100);
    expect(secondsLeft({ quotaCalls: 8 }, { shape, callsPerSecond: 1 })).toBeNull();
    // Two calls for a range of ten rows: after the first half of the run without any.
    const calls = { progress: 6000, done: 600, quotaProgress: 5000, quotaCalls: 200 };
    expect(secondsLeft(calls, { shape, callsPerSecond: 4 })).toBe(200);
  });

  it('counts the rows of ranges that are under way', () => {
    const samples = samplesAt(0, LATER, 5);
    expect(secondsLeft({}, { shape: 'row', samples, now: LATER })).toBe(1998);
  });
});
