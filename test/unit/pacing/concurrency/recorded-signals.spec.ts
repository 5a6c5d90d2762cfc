import { readFileSync } from 'node:fs';
import { between, database, simulate, swing } from './simulation.js';

/**
 * Recorded every 250 ms by `npm run bench -- foreground` on two cores that others used as well: the time of a row in
 * multiples of its median, and the pressure by a metric of the foreground, both at a nearly constant concurrency; and the
 * pressure while others kept the machine busy, whatever the run did. `stalls` has calm seconds, and a stall of the machine that holds
 * the run for as long as the window of the metric is, and one that does not.
 */
const recorded = JSON.parse(readFileSync(new URL('./recorded-signals.json', import.meta.url), 'utf8')) as {
  readonly latency: readonly number[];
  readonly pressure: readonly number[];
  readonly busy: readonly number[];
  readonly stalls: readonly number[];
};

const at = (values: readonly number[], seconds: number) =>
  values[Math.round(seconds * 4) % values.length] ?? Number.NaN;

describe('with recorded signals', () => {
  it('the noise of the time of a row moves nothing', () => {
    const plant = database({ capacity: 1_000 });
    const points = simulate((slots, seconds) => {
      const answer = plant(slots, seconds);
      return { ...answer, latencyMs: (answer.latencyMs ?? 0) * at(recorded.latency, seconds) };
    }, 300);
    expect(Math.min(...between(points, 60, 300))).toBe(32);
  });

  it('the noise of a metric makes no oscillation where it hovers at the optimum', () => {
    const plant = database({ capacity: 1_000 });
    const points = simulate((slots, seconds) => {
      // Above eight slots the pressure of the run itself comes on top.
      const own = Math.max(0, (slots - 8) / 8);
      return { ...plant(slots, seconds), pressure: Math.min(1, own + at(recorded.pressure, seconds)) };
    }, 400);
    expect(swing(between(points, 200, 400))).toBeLessThan(0.1);
  });

  it('it is back within a minute after others have kept the machine busy', () => {
    const plant = database({ capacity: 1_000 });
    const busySeconds = recorded.busy.length / 4;
    const points = simulate(
      (slots, seconds) => {
        const isBusy = seconds > 60 && seconds <= 60 + busySeconds;
        const pressure = isBusy ? at(recorded.busy, seconds - 60) : 0;
        const isHeld = pressure === 1;
        const answer = plant(slots, seconds);
        return isHeld ? { latencyMs: null, perSecond: 0, used: 0, pressure } : { ...answer, pressure };
      },
      180 + busySeconds,
      { min: 1, max: 8 },
    );
    expect(Math.max(...between(points, 30, 60))).toBe(8);
    expect(Math.max(...between(points, 60 + busySeconds, 120 + busySeconds))).toBeGreaterThan(0.8 * 8);
  });

  it('a stall now and then costs little more than the time for which it holds the run', () => {
    const plant = database({ capacity: 1_000, probe: () => ({ from: 8, to: 16 }) });
    let ranges = 0;
    const points = simulate((slots, seconds) => {
      const answer = plant(slots, seconds);
      const pressure = Math.max(at(recorded.stalls, seconds), answer.pressure ?? 0);
      const isHeld = pressure === 1;
      ranges += isHeld || seconds <= 60 ? 0 : slots;
      return isHeld ? { latencyMs: null, perSecond: 0, used: 0, pressure } : { ...answer, pressure };
    }, 300);
    // At 8.8 slots the pressure is one at which nothing is raised any more. A tenth of the time the run is held.
    expect(ranges / (8.8 * 4 * 240)).toBeGreaterThan(0.8);
    expect(Math.max(...between(points, 60, 300))).toBeLessThan(11);
  });
});
