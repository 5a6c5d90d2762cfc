import { BackfillRequestError } from 'nestjs-backfill';
import type { BackfillStatus } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();

/** An app whose backfill has a throttle of each scope; `press` sets what both measure. */
async function throttled() {
  let pressure = 0;
  const throttle = (name: string, scope: 'cluster' | 'process') => ({
    name,
    scope,
    everyMs: 100,
    measure: () => Promise.resolve({ pressure, reason: `${name} is late` }),
  });
  const work = defineBackfill({
    name: 'work',
    source: numbers(1_000_000),
    config: { batchSize: 1, perSecondOnPeak: 10, perSecondOffPeak: 10 },
    throttles: [throttle('replicas', 'cluster'), throttle('heap', 'process')],
    processRange: () => {},
  });
  const { backfills } = await bench.start({ handlers: [work] });
  await backfills.start('work');
  const until = (what: string, passes: (status: BackfillStatus) => boolean) =>
    eventually(what, () => backfills.status('work'), passes);
  return { backfills, until, press: (value: number) => (pressure = value) };
}

const later = () => new Date(Date.now() + 3_600_000).toISOString();

describe('an override of a throttle', () => {
  it('loosens, tightens and ignores it, says so, and is ended', async () => {
    const { backfills, until, press } = await throttled();
    press(1);
    await until('both to hold', ({ throttlePressure }) => throttlePressure === 1);
    const end = later();
    const heap = { throttle: 'heap', factor: 0, until: end, by: 'ada', reason: 'known leak' };
    expect(await backfills.override('work', heap)).toEqual({ overrides: [heap], changed: true });
    expect(await backfills.override('work', heap)).toEqual({ overrides: [heap], changed: false });
    await backfills.override('work', { throttle: 'replicas', factor: 0.5, until: end });
    const loose = await until('half of the rate', ({ rate }) => rate.perSecond === 5);
    expect(loose.rate.reason).toContain(`replicas is late (replicas × 0.5 until ${end})`);
    expect(loose.rate.reason).toContain(`heap ignored until ${end}`);
    expect(loose.throttles).toEqual(['replicas', 'heap']);
    expect(loose.overrides).toEqual([
      heap,
      { throttle: 'replicas', factor: 0.5, until: end, by: null, reason: null },
    ]);
    expect((await backfills.overview()).backfills[0]?.overrides).toHaveLength(2);

    press(0.3);
    await backfills.override('work', { throttle: 'replicas', factor: 2, until: end });
    await until('a tighter rate', ({ rate }) => rate.perSecond === 4);
    await backfills.override('work', { throttle: 'replicas', factor: 1 });
    await until('the usual rate', ({ rate }) => rate.perSecond === 7);
    const history = await backfills.history('work', { types: ['overridden'] });
    expect(history.map(({ data: { throttle, factor, until: at } }) => [throttle, factor, at])).toEqual([
      ['replicas', 1, null],
      ['replicas', 2, Date.parse(end)],
      ['replicas', 0.5, Date.parse(end)],
      ['heap', 0, Date.parse(end)],
    ]);
  });

  it('ends by itself at its end by the clock of Redis', async () => {
    const { backfills, until, press } = await throttled();
    press(0.5);
    const end = new Date(Date.now() + 2_000).toISOString();
    for (const throttle of ['heap', 'replicas']) {
      await backfills.override('work', { throttle, factor: 0, until: end });
    }
    await until(
      'no pressure',
      ({ throttlePressure, overrides }) => throttlePressure === 0 && overrides.length === 2,
    );
    const over = await until('the pressure', ({ throttlePressure }) => throttlePressure === 0.5);
    expect(Date.parse(over.now)).toBeGreaterThanOrEqual(Date.parse(end));
    expect(over.overrides).toEqual([]);
  });

  it('counts within a second for a throttle that is measured once a day', async () => {
    const work = defineBackfill({
      name: 'work',
      source: numbers(1_000_000),
      config: { batchSize: 1, perSecondOnPeak: 10, perSecondOffPeak: 10 },
      throttles: [
        { name: 'nightly', everyMs: 86_400_000, measure: () => ({ pressure: 0.5, reason: 'reports run' }) },
      ],
      processRange: () => {},
    });
    const { backfills } = await bench.start({ handlers: [work] });
    await backfills.start('work');
    const rate = (expected: number) =>
      eventually(
        `a rate of ${expected}`,
        () => backfills.status('work'),
        ({ rate: { perSecond } }) => perSecond === expected,
      );
    await rate(5);
    await backfills.override('work', { throttle: 'nightly', factor: 0, until: later() });
    await rate(10);
    await backfills.override('work', { throttle: 'nightly', factor: 1 });
    await rate(5);
  });

  it('is refused where it cannot be', async () => {
    const { backfills } = await throttled();
    const override = (change: object) =>
      backfills.override('work', { throttle: 'heap', factor: 0.5, until: later(), ...change });
    await expect(override({ throttle: 'replica' })).rejects.toThrow(
      /expected throttle to be one of its throttles: replicas, heap \(did you mean replicas\?\), got "replica"/,
    );
    await expect(override({ throttle: undefined })).rejects.toThrow(BackfillRequestError);
    await expect(override({ factor: -1 })).rejects.toThrow(/expected factor to be a number from 0 to 100/);
    await expect(override({ factor: NaN })).rejects.toThrow(BackfillRequestError);
    await expect(override({ until: undefined })).rejects.toThrow(/expected until to be a time in the future/);
    await expect(override({ until: Date.now() - 1 })).rejects.toThrow(/a time in the future/);
    await expect(override({ until: 'soon' })).rejects.toThrow(/expected until to be a time/);
    expect(await backfills.history('work', { types: ['overridden'] })).toEqual([]);
  });
});
