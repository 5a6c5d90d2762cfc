import type { ConcurrencyState } from '../../../lib/state/concurrency-state.js';
import fc from 'fast-check';
import { suspectStall, watchedSince } from '../../../lib/stalls/suspect-stall.js';
import type { StallFacts } from '../../../lib/stalls/suspect-stall.js';
import { usualTime } from '../../../lib/stalls/usual-time.js';
import { aRun, facts, samplesAt, START } from '../status/a-run.js';

const MINUTE = 60_000;
const NOW = START + 60 * MINUTE;

function given(
  fields: Parameters<typeof aRun>[0] = {},
  { steps = [], speed = {}, ...patch }: Partial<StallFacts> & { steps?: number[]; speed?: object } = {},
): StallFacts {
  const run = aRun({ activeAt: NOW - MINUTE, done: 36_000, planned: 36_100, ...fields });
  const usual = usualTime(run, facts({ now: NOW, ...speed }), steps);
  const { activeAt } = run;
  return {
    run,
    activeAt,
    usual,
    workedSince: 0,
    watchedSince: -Infinity,
    dueAt: 0,
    now: NOW,
    leastMs: 30_000,
    ...patch,
  };
}

const STALL = { since: NOW - MINUTE, isCertain: true };

describe('a run that should progress', () => {
  it('is stalled after ten times its usual time, and not before half a minute', () => {
    expect(suspectStall(given())).toEqual(STALL);
    expect(suspectStall(given({ activeAt: NOW - 30_000 }))).toMatchObject({ isCertain: true });
    expect(suspectStall(given({ activeAt: NOW - 29_999 }))).toBeNull();
    // Ranges of six seconds, one of them over a minute.
    expect(suspectStall(given({}, { steps: [100, 6_000] }))).toEqual(STALL);
    expect(suspectStall(given({}, { steps: [100, 6_001] }))).toBeNull();
  });

  it.each([
    ['one range a minute', { interval: 60_000_000, rateSince: `60000000|${START}` }, {}],
    ['a quota of six calls a minute', {}, { speed: { shape: 'row', callsPerSecond: 0.09 } }],
    ['ranges that came seven seconds apart', { activeAt: NOW - MINUTE, done: 500 }, {}],
    ['a run that was just resumed, after days', { stateSince: `running|0|${NOW - 9_000}|36000` }, {}],
    ['another rate', { rateSince: `100000|${NOW - 9_000}` }, {}],
    ['the end of a hold', { holdUntil: NOW - 9_000 }, {}],
    ['the end of the hold of all runs', { heldAllUntil: NOW - 9_000 }, {}],
    ['the end of a wait for the budget', { budgetWait: `${NOW - 20_000}|${NOW - 9_000}|concurrency|1|` }, {}],
    ['workers that have just come', {}, { workedSince: NOW - 9_000 }],
    ['a process that was suspended', {}, { watchedSince: NOW - 9_000 }],
    ['retries in backoff', {}, { dueAt: NOW + 9_000 }],
    ['a retry that has just become due', {}, { dueAt: NOW - 9_000 }],
    ['a pause', { status: 'paused' }, {}],
    ['workers of an earlier version, which record nothing', { activeAt: '' }, {}],
  ])('is not stalled because of %s', (_, fields, patch) => {
    expect(suspectStall(given(fields, patch))).toBeNull();
  });

  it('is stalled without a measure only where its cause shows, or after ten minutes', () => {
    const fresh = { done: 0, activeAt: '', stateSince: `running|0|${NOW - MINUTE}|0` };
    expect(suspectStall(given(fresh))).toEqual({ since: NOW - MINUTE, isCertain: false });
    const long = { ...fresh, stateSince: `running|0|${NOW - 10 * MINUTE}|0` };
    expect(suspectStall(given(long))).toEqual({ since: NOW - 10 * MINUTE, isCertain: true });
    // The next ranges are being planned.
    expect(suspectStall(given({ planned: 36_000 }))).toEqual({ ...STALL, isCertain: false });
    const counting = {
      planned: 36_000,
      activeAt: START,
      verification: JSON.stringify({ phase: 'count', round: 1, left: null, swept: 0, sweeps: 1 }),
    };
    expect(suspectStall(given(counting))).toMatchObject({ isCertain: false });
  });

  it('rests after each range where it has less than one slot', () => {
    const state: ConcurrencyState = {
      value: 0.1,
      reason: 'a throttle',
      since: NOW,
      at: NOW,
      begunAt: NOW,
      processes: 1,
      min: 1,
      floorMs: null,
      latencyMs: null,
      used: 1,
      pressure: 0,
      pressureTrend: 0,
      pressurePeak: 0,
      stretch: 1,
      ceiling: null,
      good: 1,
      raisedAt: 0,
      loweredAt: 0,
      severity: 0,
      proven: null,
      clearSince: 0,
      raises: 0,
      calmSince: 0,
      ended: 0,
      totals: null,
    };
    const run = aRun({ concurrency: JSON.stringify(state), interval: 0 });
    expect(usualTime(run, facts({ now: NOW }), [300]).ms).toBe(3_000);
  });

  it('is never stalled before the shortest time, nor before ten times what any process reports, whatever the facts', () => {
    fc.assert(
      fc.property(
        fc.record({
          quiet: fc.integer({ min: 0, max: 10 * MINUTE }),
          step: fc.integer({ min: 0, max: 2 * MINUTE }),
          leastMs: fc.integer({ min: 1_000, max: 5 * MINUTE }),
          workedAgo: fc.integer({ min: 0, max: 20 * MINUTE }),
          watchedAgo: fc.integer({ min: 0, max: 20 * MINUTE }),
          dueAgo: fc.integer({ min: -MINUTE, max: 20 * MINUTE }),
        }),
        ({ quiet, step, leastMs, workedAgo, watchedAgo, dueAgo }) => {
          const found = suspectStall(
            given(
              { activeAt: NOW - quiet },
              {
                steps: [step],
                leastMs,
                dueAt: NOW - dueAgo,
                workedSince: NOW - workedAgo,
                watchedSince: NOW - watchedAgo,
              },
            ),
          );
          const explained = Math.min(quiet, workedAgo, watchedAgo, dueAgo);
          // 100 ms is the interval of its rate.
          const isStalled = explained >= Math.max(leastMs, 10 * step, 1_000);
          expect(found).toEqual(isStalled ? { since: NOW - explained, isCertain: true } : null);
        },
      ),
    );
  });
});

describe('since when a run is supervised', () => {
  const samples = samplesAt(1, NOW);

  it('goes back to the last gap', () => {
    expect(watchedSince(samples, 61, NOW)).toBe(-Infinity);
    expect(watchedSince(samples, 100, NOW)).toBe(NOW - MINUTE);
    const gap = samples.filter((_, i) => i < 5 || i > 15);
    expect(watchedSince(gap, 50, NOW)).toBe(NOW - 4_000);
    expect(watchedSince([], 50, NOW)).toBe(NOW);
    // The process has just woken up.
    expect(watchedSince(samples, 61, NOW + MINUTE)).toBe(NOW + MINUTE);
  });
});
