import { LoadMeter } from '../../../../lib/pacing/concurrency/load.meter.js';

function meter() {
  const clock = { now: 1_000 };
  return { clock, load: new LoadMeter(() => clock.now) };
}

describe('LoadMeter', () => {
  it('tells the slots that were used on average, and counts what ended', () => {
    const { clock, load } = meter();
    const first = load.begin(10);
    clock.now += 50;
    const second = load.begin(10);
    clock.now += 50;
    first.end(true);
    second.end(false);
    load.countError();
    clock.now += 100;
    expect(load.read()).toEqual({ latencyMs: null, ended: 2, errors: 1, used: 0.75 });
    expect(load.read()).toEqual({ latencyMs: null, ended: 0, errors: 0, used: 0 });
  });

  it('tells the median of the time of a row, of what ended lately', () => {
    const { clock, load } = meter();
    for (const ms of [5_000, 20, 30, 10, 20, 400, 20]) {
      const work = load.begin(10);
      clock.now += ms;
      work.end(true);
      clock.now += 200;
    }
    expect(load.read().latencyMs).toBe(2);
    clock.now += 20_000;
    expect(load.read().latencyMs).toBeNull();
  });

  it('sees that all hangs before anything ends', () => {
    const { clock, load } = meter();
    for (let i = 0; i < 3; i++) {
      const work = load.begin(1);
      clock.now += 10;
      work.end(true);
    }
    expect(load.read().latencyMs).toBe(10);
    for (let i = 0; i < 6; i++) {
      load.begin(1);
    }
    clock.now += 500;
    expect(load.read()).toMatchObject({ latencyMs: 500, used: 6, ended: 0 });
  });

  it('keeps little of many', () => {
    const { clock, load } = meter();
    for (let i = 0; i < 100_000; i++) {
      const work = load.begin(1);
      clock.now += 0.01;
      work.end(true);
    }
    expect(load.read().ended).toBe(100_000);
    expect(JSON.stringify(load).length).toBeLessThan(40_000);
  });
});
