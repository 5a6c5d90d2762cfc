import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/core';
import { probeLatency } from '../../../lib/throttles/probe-latency.js';
import type { ProbeLatencyOptions } from '../../../lib/throttles/probe-latency.js';
import type { ThrottleContext, ThrottlePressure } from '../../../lib/throttles/backfill-throttle.js';

/** A throttle whose probe takes as long as the test says, by a clock that only the test moves. */
function probing(options: Partial<ProbeLatencyOptions> = {}) {
  const probe = { ms: 20, runs: 0, fails: false, atOnce: 0, mostAtOnce: 0 };
  const throttle = probeLatency({
    probe: async () => {
      probe.runs++;
      probe.mostAtOnce = Math.max(probe.mostAtOnce, ++probe.atOnce);
      await new Promise((resolve) => {
        setTimeout(resolve, probe.ms);
      });
      probe.atOnce--;
      if (probe.fails) {
        throw new Error('no such table');
      }
    },
    ...options,
  });
  const database = {};
  const measure = async (connection = database): Promise<ThrottlePressure> => {
    const em = { getConnection: () => connection } as unknown as EntityManager;
    const reading = Promise.resolve(throttle.measure({ em } as ThrottleContext));
    const state = { answered: false };
    const answer = () => (state.answered = true);
    reading.then(answer, answer);
    while (!state.answered) {
      await jest.advanceTimersByTimeAsync(1);
    }
    return reading;
  };
  /** Asks every 200 ms for so many ms; returns the last answer. */
  const during = async (ms: number): Promise<ThrottlePressure> => {
    const until = performance.now() + ms;
    let answer: ThrottlePressure = { pressure: NaN, reason: '' };
    while (performance.now() < until) {
      const next = performance.now() + 200;
      answer = await measure();
      await jest.advanceTimersByTimeAsync(Math.max(0, next - performance.now()));
    }
    return answer;
  };
  return { probe, measure, during };
}

describe('the latency of a probe', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is measured without load first, and is pressure when it takes longer', async () => {
    const { probe, measure, during } = probing();
    const unknown = 'a probe latency that is not known yet';
    expect(await measure()).toEqual({ pressure: 1, reason: unknown, unknown: true });
    expect(await during(2_000)).toEqual({
      pressure: 0,
      reason: 'probe takes 20.0 ms (p95), 1.0 times its baseline',
    });
    probe.ms = 200;
    // A single slow probe of a window of five seconds changes nothing.
    await during(10_000);
    const { pressure, reason } = await during(1_000);
    expect(pressure).toBeCloseTo(1, 2);
    expect(reason).toBe('probe takes 200.0 ms (p95), 10.0 times its baseline');
  });

  it('follows a step within a second', async () => {
    const { probe, during } = probing();
    await during(10_000);
    probe.ms = 120;
    expect((await during(1_400)).pressure).toBeGreaterThan(0.7);
  });

  it('does not move for one slow probe among those of five seconds', async () => {
    const { probe, measure, during } = probing();
    await during(10_000);
    probe.ms = 500;
    const { reason } = await measure();
    probe.ms = 20;
    expect(reason).toBe('probe takes 20.0 ms (p95), 1.0 times its baseline');
    expect((await during(3_000)).pressure).toBe(0);
  });

  it('lets the pressure fall slowly, once no slow probe is left in its window', async () => {
    const { probe, during } = probing();
    await during(10_000);
    probe.ms = 200;
    await during(6_000);
    probe.ms = 20;
    await during(7_000);
    const { pressure } = await during(200);
    const { pressure: next } = await during(1_000);
    expect(next).toBeCloseTo(0.9 * pressure, 2);
    expect((await during(60_000)).pressure).toBe(0);
  });

  it.each([0.2, 0.05])('keeps a connection busy for no more than %s of the time', async (maxLoad) => {
    const { probe, during } = probing({ baselineMs: 10, maxLoad });
    await during(1_000);
    probe.ms = 400;
    await during(10_000);
    const before = probe.runs;
    await during(40_000);
    const busyMs = 400 * (probe.runs - before);
    expect(busyMs).toBeLessThanOrEqual(40_000 * maxLoad + 400);
    expect(busyMs).toBeGreaterThan(40_000 * maxLoad * 0.7);
  });

  it('is its timeout where a probe does not return', async () => {
    const { probe, measure } = probing({ baselineMs: 10 });
    probe.ms = 3_000;
    expect(await measure()).toEqual({
      pressure: expect.closeTo(1 - 0.5 ** 4, 2),
      reason: expect.stringMatching(/^probe takes 100[01]\.0 ms \(p95\), 100\.[01] times its baseline$/),
    });
  });

  it('fails where its probe does, until one succeeds, and a failing probe has no larger share of time', async () => {
    const { probe, measure, during } = probing({ baselineMs: 10 });
    await during(1_000);
    probe.fails = true;
    probe.ms = 900;
    const until = performance.now() + 60_000;
    const before = probe.runs;
    while (performance.now() < until) {
      await expect(measure()).rejects.toThrow('no such table');
      await jest.advanceTimersByTimeAsync(200);
    }
    const busyMs = 900 * (probe.runs - before);
    // And what it may be ahead of its share.
    expect(busyMs).toBeLessThanOrEqual(0.2 * 60_000 + 2_500 + 900);
    expect(busyMs).toBeGreaterThan(0.1 * 60_000);
    probe.fails = false;
    probe.ms = 10;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await measure()).toMatchObject({ pressure: 0 });
  });

  it('runs one probe at a time, however many backfills ask', async () => {
    const { probe, measure, during } = probing({ baselineMs: 10 });
    await during(1_000);
    probe.ms = 1_500;
    const before = probe.runs;
    for (let i = 0; i < 20; i++) {
      await Promise.all([measure(), measure(), measure()]);
      await jest.advanceTimersByTimeAsync(200);
    }
    expect(probe.mostAtOnce).toBe(1);
    expect(probe.runs - before).toBeLessThan(10);
  });

  it('says nothing about one database by what it took in another', async () => {
    const { probe, measure, during } = probing();
    await during(10_000);
    expect(await measure()).toMatchObject({ pressure: 0 });
    expect(await measure({})).toMatchObject({ pressure: 1, unknown: true });
    const slow = {};
    probe.ms = 400;
    const until = performance.now() + 10_000;
    while (performance.now() < until) {
      await measure(slow);
      await jest.advanceTimersByTimeAsync(200);
    }
    probe.ms = 20;
    expect(await measure()).toMatchObject({ pressure: 0 });
  });

  it.each([{ maxLoad: 0 }, { maxLoad: 2 }, { from: 6, to: 2 }, { everyMs: 0 }])('refuses %j', (options) => {
    expect(() => probing(options)).toThrow(RangeError);
  });
});
