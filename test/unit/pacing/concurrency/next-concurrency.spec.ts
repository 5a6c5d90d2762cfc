import { amplitude, between, database, simulate } from './simulation.js';
import type { Answer } from './simulation.js';

const last = (values: readonly number[]) => values.at(-1) ?? Number.NaN;
const wide = (from: number) => ({ from, to: from * 2 });

describe('nextConcurrency', () => {
  it('goes to the maximum where nothing slows down', () => {
    const points = simulate(database({ capacity: 1_000 }), 60);
    expect(last(between(points, 0, 30))).toBe(32);
    expect(points.at(-1)?.reason).toBe('at its maximum');
  });

  it('stops where more only wait for each other', () => {
    const points = simulate(database({ capacity: 4 }), 120);
    const settled = between(points, 30, 120);
    expect(Math.min(...settled)).toBeGreaterThanOrEqual(4);
    expect(Math.max(...settled)).toBeLessThan(9);
    expect(amplitude(settled)).toBeLessThan(0.1);
  });

  it('settles where a throttle begins to press', () => {
    const points = simulate(database({ capacity: 1_000, probe: () => wide(8) }), 120);
    const settled = between(points, 30, 120);
    expect(Math.min(...settled)).toBeGreaterThan(7);
    expect(Math.max(...settled)).toBeLessThan(11);
    expect(amplitude(settled)).toBeLessThan(0.1);
  });

  it('backs off within a second when a throttle presses hard', () => {
    const probe = (seconds: number) => (seconds < 60 ? wide(16) : wide(4));
    const points = simulate(database({ capacity: 1_000, probe, windowMs: 250 }), 120);
    const before = last(between(points, 0, 59));
    expect(last(between(points, 60, 61))).toBeLessThan(before * 0.6);
    expect(last(between(points, 60, 67))).toBeLessThan(7);
  });

  it.each([0, 0.05, 0.1])('is back at speed within a minute after others stop (noise of %d)', (deviation) => {
    const probe = (seconds: number) => (seconds >= 60 && seconds < 120 ? wide(4) : wide(16));
    const points = simulate(database({ capacity: 1_000, deviation, probe }), 200);
    const before = last(between(points, 0, 60));
    // Where the pressure of the others is one at which the value is lowered no further.
    expect(last(between(points, 60, 120))).toBeLessThanOrEqual(4 * 1.25);
    expect(Math.max(...between(points, 120, 180))).toBeGreaterThan(before * 0.8);
  });

  it('finds a higher optimum than ever within a minute', () => {
    const probe = (seconds: number) => (seconds < 60 ? wide(4) : wide(16));
    const points = simulate(database({ capacity: 1_000, probe }), 120);
    expect(Math.max(...between(points, 60, 120))).toBeGreaterThan(16 * 0.8);
  });

  it.each(Array.from({ length: 20 }, (_, i) => i + 1))('does not follow noise (seed %d)', (seed) => {
    const points = simulate(database({ capacity: 1_000, deviation: 0.1, seed, probe: () => wide(8) }), 300);
    const settled = between(points, 90, 300);
    expect(amplitude(settled)).toBeLessThan(0.1);
  });

  it('stays at its maximum with a latency that is noisy, and no more', () => {
    const points = simulate(database({ capacity: 1_000, deviation: 0.2 }), 600);
    expect(Math.min(...between(points, 60, 600))).toBe(32);
  });

  it('returns at once to what was free of trouble after a pressure that was not its own', () => {
    const plant = (slots: number, seconds: number): Answer => ({
      latencyMs: 40,
      perSecond: 25 * slots,
      pressure: seconds > 60 && seconds <= 63 ? 0.8 : 0,
    });
    const points = simulate(plant, 66);
    expect(last(between(points, 0, 63))).toBeLessThan(32 * 0.9);
    expect(last(between(points, 0, 66))).toBe(32);
  });

  it('returns less and less often to what causes trouble again', () => {
    const probe = (seconds: number) => (seconds < 90 ? wide(16) : wide(4));
    const points = simulate(database({ capacity: 1_000, probe, windowMs: 1_000 }), 300);
    expect(between(points, 95, 300).filter((value) => value > 8).length / 4).toBeLessThan(5);
    expect(Math.max(...between(points, 180, 300))).toBeLessThan(6);
  });

  it('rests below its minimum for a throttle, and not for its own latency', () => {
    const pressed = simulate(database({ capacity: 1_000, probe: () => wide(0.4) }), 120);
    const settled = between(pressed, 30, 120);
    expect(Math.max(...settled)).toBeLessThan(0.7);
    expect(amplitude(settled)).toBeLessThan(0.1);
    const slow = simulate(database({ capacity: 0.01 }), 60);
    expect(Math.min(...between(slow, 0, 60))).toBe(1);
  });

  it('follows a drift of the latency that others or the data cause', () => {
    const points = simulate(database({ capacity: 1_000, baseMs: (s) => 40 * (1 + s / 100) }), 600);
    // It cannot tell such a drift from load of its own, but learns the new floor at its minimum.
    expect(Math.max(...between(points, 540, 600))).toBeGreaterThan(8);
  });

  it('learns a new floor within a minute or two where rows become ten times as slow', () => {
    const points = simulate(database({ capacity: 1_000, baseMs: (s) => (s < 60 ? 4 : 40) }), 240);
    expect(last(between(points, 0, 240))).toBe(32);
  });

  it('raises nothing where another limit holds the run back', () => {
    const points = simulate((slots) => ({ latencyMs: 40, perSecond: 25, used: Math.min(1, slots) }), 120);
    expect(last(between(points, 0, 120))).toBeLessThan(2.5);
  });

  it('lowers what is used, not what is only allowed', () => {
    const plant = (slots: number, seconds: number): Answer => {
      const used = Math.min(seconds < 60 ? 32 : 2, slots);
      return { latencyMs: 40, perSecond: 25 * used, used, pressure: seconds > 70 ? 0.6 : 0 };
    };
    const points = simulate(plant, 71);
    expect(last(between(points, 0, 70))).toBe(32);
    expect(last(between(points, 0, 71))).toBeLessThan(2);
  });

  it('stays as it is while a throttle that holds it does not know its pressure', () => {
    const plant = (slots: number, seconds: number): Answer => {
      const isHeld = seconds < 2 || (seconds > 60 && seconds < 62);
      return isHeld
        ? { latencyMs: null, perSecond: 0, used: 0, pressure: null }
        : { latencyMs: 40, perSecond: 25 * slots };
    };
    const points = simulate(plant, 90);
    expect(between(points, 0, 2).every((value) => value === 1)).toBe(true);
    expect(points[0]?.reason).toBe('steady: a probe is slow');
    expect(Math.min(...between(points, 40, 90))).toBe(32);
  });

  it('lowers no further while the pressure falls', () => {
    // A probe judges a window, and its pressure falls by a tenth each second.
    const plant = (slots: number, seconds: number): Answer => ({
      latencyMs: 40,
      perSecond: 25 * slots,
      pressure: seconds < 60 ? 0 : 0.9 * 0.9 ** Math.max(0, seconds - 63),
    });
    const points = simulate(plant, 90);
    expect(last(between(points, 0, 66))).toBe(last(between(points, 0, 75)));
    expect(new Set(between(points, 60, 90)).size).toBeLessThan(6);
  });

  it('undoes a raise when a throttle holds it, and takes what it uses right after the hold for no measure', () => {
    const pressures = [...Array<number>(8).fill(0), ...Array<number>(16).fill(1), 0.6, 0.35, 0.15, 0.05];
    const plant = (slots: number, seconds: number): Answer => {
      const step = seconds * 4 - 1;
      const pressure = pressures[step] ?? 0;
      const isHeld = step > 8 && (pressures[step - 1] ?? 0) === 1;
      const used = isHeld ? 0 : step < 28 ? 0.06 : 0.75 * slots;
      return { latencyMs: 1, perSecond: 1_000 * used, used: step < 9 ? 0.75 * slots : used, pressure };
    };
    const points = simulate(plant, 60);
    const before = last(between(points, 0, 2));
    expect(last(between(points, 0, 7))).toBeCloseTo(0.85 * (before / 1.5));
    expect(last(between(points, 0, 60))).toBeGreaterThan(before);
  });

  it('halves after timeouts', () => {
    const plant = (slots: number, seconds: number): Answer => ({
      latencyMs: 40,
      perSecond: 25 * slots,
      errors: seconds === 60 ? 1 : 0,
    });
    const points = simulate(plant, 61);
    expect(last(between(points, 0, 59))).toBe(32);
    expect(last(between(points, 0, 60))).toBe(16);
  });

  it('keeps the value through an outage, and goes on after it', () => {
    const plant = (slots: number, seconds: number): Answer =>
      seconds > 60 && seconds < 120
        ? { latencyMs: null, perSecond: 0, used: 0, pressure: 1 }
        : { latencyMs: 40, perSecond: 25 * slots };
    const points = simulate(plant, 150);
    expect(last(between(points, 0, 119))).toBe(32);
    expect(last(between(points, 0, 150))).toBe(32);
  });

  it('waits for ranges that are long, and lowers without them', () => {
    const plant = (slots: number, seconds: number): Answer => ({
      latencyMs: null,
      perSecond: slots / 120,
      pressure: seconds > 30 ? 1 : 0,
    });
    const points = simulate(plant, 40);
    expect(last(between(points, 0, 30))).toBe(1);
    expect(last(between(points, 0, 40))).toBeLessThan(1);
  });

  it('keeps the total when the number of processes changes', () => {
    const total = (slots: number, processes: number) =>
      database({ capacity: 1_000, probe: () => wide(12) })(slots * processes, 0);
    const plant = (slots: number, seconds: number): Answer => {
      const processes = seconds < 60 ? 3 : 2;
      return { ...total(slots, processes), processes, latencyMs: 40, perSecond: 25 * slots * processes };
    };
    const points = simulate(plant, 70);
    const before = last(between(points, 0, 59));
    expect(last(between(points, 0, 60))).toBeCloseTo((before * 3) / 2, 1);
  });
});
