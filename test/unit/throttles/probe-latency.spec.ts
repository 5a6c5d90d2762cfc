import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { probeLatency } from '../../../lib/throttles/probe-latency.js';
import type { ThrottleContext, ThrottlePressure } from '../../../lib/throttles/backfill-throttle.js';

/** A throttle whose probe takes as long as the test says, by a clock that only the test moves. */
function probing(baselineMs?: number) {
  const probe = { ms: 50 };
  const throttle = probeLatency({
    probe: () =>
      new Promise((resolve) => {
        setTimeout(resolve, probe.ms);
      }),
    ...(baselineMs === undefined ? {} : { baselineMs }),
  });
  const measure = async (): Promise<ThrottlePressure> => {
    const reading = Promise.resolve(throttle.measure({} as ThrottleContext));
    await jest.advanceTimersByTimeAsync(10_000);
    return reading;
  };
  return { probe, measure };
}

describe('the latency of a probe', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is measured without load first, and is pressure when it takes longer', async () => {
    const { probe, measure } = probing();
    expect((await measure()).pressure).toBe(1);
    for (let i = 0; i < 3; i++) {
      expect(await measure()).toEqual({
        pressure: 0,
        reason: 'probe takes 50.0 ms (p95), 1.0 times its baseline',
      });
    }
    probe.ms = 1_000;
    expect((await measure()).pressure).toBe(0.5);
    expect((await measure()).pressure).toBe(0.75);
  });

  it('lets the pressure fall slowly, once no slow probe is left among the last twenty', async () => {
    const { probe, measure } = probing();
    await measure();
    await measure();
    probe.ms = 400;
    await measure();
    await measure();
    probe.ms = 50;
    for (let i = 0; i < 5; i++) {
      await measure();
    }
    const { pressure } = await measure();
    const { pressure: next } = await measure();
    expect(next).toBeCloseTo(0.9 * pressure, 10);
  });

  it('is its timeout where a probe does not return', async () => {
    const { probe, measure } = probing(10);
    probe.ms = 3_000;
    expect(await measure()).toEqual({
      pressure: 0.5,
      reason: expect.stringMatching(/^probe takes 100[01]\.0 ms \(p95\), 100\.[01] times its baseline$/),
    });
  });
});
