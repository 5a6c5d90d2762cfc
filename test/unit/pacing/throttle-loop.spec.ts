import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ThrottleLoop } from '../../../lib/pacing/throttle.loop.js';
import type { PolledRun, ThrottleLoopDeps } from '../../../lib/pacing/throttle.loop.js';
import type { PressureReport } from '../../../lib/pacing/pressure.reporter.js';

/** A loop whose throttle measures what the test says; `reports` has the second and the pressure of each report. */
function looping(everyMs: number, pressure: number, isReachable = true) {
  const state = { pressure, measured: 0, isReachable };
  const reports: [second: number, pressure: number][] = [];
  const begin = performance.now();
  const deps = {
    evaluator: {
      measure: async () => {
        state.measured++;
        return { pressure: state.pressure, reason: 'the dial' };
      },
    },
    reporter: {
      reportAndApply: async (_: object, __: string, { pressure }: PressureReport) => {
        if (!state.isReachable) {
          throw new Error('Redis is away');
        }
        reports.push([Math.round((performance.now() - begin) / 1_000), pressure]);
      },
    },
  } as unknown as ThrottleLoopDeps;
  const throttle = { name: 'dial', everyMs, measure: () => ({ pressure: 0, reason: '' }) };
  const run = { backfill: { name: 'work' }, runId: 'r' } as unknown as PolledRun;
  const end = new AbortController();
  const ended = new ThrottleLoop(throttle, 'cluster|0|dial', run, deps).start(end.signal);
  return { state, reports, end: () => end.abort(), ended };
}

describe('the loop of a throttle', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('renews the report of a throttle that is measured rarely, once a second, until it is ended', async () => {
    const { state, reports, end, ended } = looping(10_000, 0.5);
    await jest.advanceTimersByTimeAsync(12_500);
    expect(state.measured).toBe(2);
    expect(reports).toEqual(Array.from({ length: 13 }, (_, second) => [second, 0.5]));
    end();
    await ended;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(reports).toHaveLength(13);
  });

  it('reports no pressure once, and often enough where it is measured often', async () => {
    const rare = looping(10_000, 0);
    const often = looping(500, 1);
    await jest.advanceTimersByTimeAsync(9_900);
    expect(rare.reports).toEqual([[0, 0]]);
    expect(often.reports).toHaveLength(20);
    expect(often.state.measured).toBe(20);
    rare.end();
    often.end();
  });

  it.each([0, 1])('stores a pressure of %s once it can, where it could not', async (pressure) => {
    const { state, reports, end } = looping(10_000, pressure, false);
    await jest.advanceTimersByTimeAsync(3_500);
    state.isReachable = true;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(state.measured).toBe(1);
    expect(reports).toEqual([[4, pressure]]);
    end();
  });
});
