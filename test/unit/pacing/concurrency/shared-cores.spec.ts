import { sharedCores, p95 } from './shared-cores.js';
import type { SharedCores } from './shared-cores.js';
import { between, simulate, swing } from './simulation.js';

/** Cores that the foreground uses. */
const TRAFFIC = 0.05;
const BOUND = 1.5;
/** What keeps the foreground within `BOUND`, as the guide says it. */
const METRIC = { signal: 'metric', from: 0.025, to: 0.105 } as const;
const PROBE = { signal: 'probe', from: 1.3, to: 3 } as const;
const bounds = { min: 1, max: 16 };

/** What a fixed value reaches: ranges a second, and the p95 of the foreground. */
function fixed(cores: number, slots: number, traffic: number) {
  const { plant, felt } = sharedCores({ ...METRIC, to: 1_000, cores, foreground: () => traffic, seed: 99 });
  let ended = 0;
  for (let seconds = 0.25; seconds <= 60; seconds += 0.25) {
    ended += plant(slots, seconds).perSecond / 4;
  }
  return { latencyMs: p95(felt, 0, 60), perSecond: ended / 60 };
}

/** The most that a fixed value reaches within the bound. */
function sweep(cores: number) {
  const quiet = fixed(cores, 0.001, TRAFFIC).latencyMs;
  const doubled = fixed(cores, 0.001, 2 * TRAFFIC).latencyMs;
  const settings = Array.from({ length: 40 }, (_, i) => fixed(cores, ((i + 1) * cores) / 40, TRAFFIC));
  const kept = settings.filter(({ latencyMs }) => latencyMs <= BOUND * quiet);
  return { quiet, doubled, best: Math.max(...kept.map(({ perSecond }) => perSecond)) };
}

/** The foreground doubles after three minutes, and stops a minute later. */
function run(system: Omit<SharedCores, 'foreground'>) {
  const foreground = (seconds: number) => (seconds < 180 ? 1 : seconds < 240 ? 2 : 0) * TRAFFIC;
  const { plant, felt } = sharedCores({ ...system, foreground });
  const speed: { seconds: number; perSecond: number }[] = [];
  const points = simulate(
    (slots, seconds) => {
      const answer = plant(slots, seconds);
      speed.push({ seconds, perSecond: answer.perSecond });
      return answer;
    },
    300,
    bounds,
  );
  const perSecond = (from: number, to: number) => {
    const within = speed.filter(({ seconds }) => seconds >= from && seconds <= to);
    return within.reduce((sum, each) => sum + each.perSecond, 0) / within.length;
  };
  return { points, felt, perSecond };
}

describe.each([2, 8])('beside a foreground on %d cores', (cores) => {
  const { quiet, doubled, best } = sweep(cores);

  it.each([
    [1, 0],
    [2, 0],
    [1, 4],
    [2, 4],
  ])(
    'keeps to a metric of it, at the speed of the best fixed value (seed %d, %d stalls a minute)',
    (seed, stallsPerMinute) => {
      const { points, felt, perSecond } = run({ ...METRIC, cores, seed, stallsPerMinute });
      expect(p95(felt, 60, 180)).toBeLessThan(BOUND * quiet);
      expect(perSecond(60, 180)).toBeGreaterThan(0.8 * best);
      // A stall lowers it for a moment.
      expect(swing(between(points, 90, 180))).toBeLessThan(stallsPerMinute === 0 ? 0.1 : 0.25);
      expect(p95(felt, 183, 240)).toBeLessThan(BOUND * doubled);
      // Nobody is there any more who suffers.
      expect(perSecond(285, 300)).toBeGreaterThan(0.8 * cores * 1000);
    },
  );

  it.each([1])('keeps near to it with a probe alone (seed %d)', (seed) => {
    const { points, felt, perSecond } = run({ ...PROBE, cores, seed });
    expect(p95(felt, 60, 180)).toBeLessThan(1.1 * BOUND * quiet);
    expect(perSecond(60, 180)).toBeGreaterThan(0.75 * best);
    expect(swing(between(points, 90, 180))).toBeLessThan(0.25);
    expect(p95(felt, 183, 240)).toBeLessThan(1.2 * BOUND * doubled);
    // The probe goes on to speak for a foreground that has stopped.
    expect(perSecond(285, 300)).toBeGreaterThan(0.7 * best);
  });
});
