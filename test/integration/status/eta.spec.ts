import { keyset } from 'nestjs-backfill';
import type { BackfillThrottle } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });
const secondsLeft = ({ eta, now }: { eta: string | null; now: string }) =>
  (Date.parse(eta ?? '') - Date.parse(now)) / 1000;

function work(config = {}, throttles: BackfillThrottle[] = [], processRange = async () => {}) {
  const defaults = { batchSize: 1, ...rate(20), ...config };
  return defineBackfill({ name: 'work', source: numbers(10_000), config: defaults, processRange, throttles });
}

describe('the ETA', () => {
  it('is by the rate that throttles leave', async () => {
    const reading = { pressure: 0.8, reason: 'busy' };
    const { backfills } = await bench.start({
      handlers: [work({}, [{ name: 'dial', measure: () => reading }])],
    });
    await backfills.start('work');
    const status = await eventually(
      'the throttled rate',
      () => backfills.status('work'),
      ({ rate: { perSecond }, eta }) => perSecond === 4 && eta !== null,
    );
    expect(secondsLeft(status)).toBeGreaterThan(2_000);
    reading.pressure = 0;
    const later = await eventually(
      'the full rate',
      () => backfills.status('work'),
      ({ rate: { perSecond } }) => perSecond === 20,
    );
    // At once, and not when the last minute has passed.
    expect(secondsLeft(later)).toBeLessThan(600);
    await backfills.cancel('work');
  });

  it('is by the quota of a row handler', async () => {
    await bench.fillItems('SELECT generate_series(1, 1000)');
    const enrich = defineBackfill({
      name: 'enrich',
      source: keyset(Item, { orderBy: { id: 'asc' } }),
      config: { batchSize: 10, ...rate(100), quota: { max: 5, perMs: 1000 } },
      processRow: () => undefined,
    });
    const { backfills } = await bench.start({ handlers: [enrich] });
    await backfills.start('enrich');
    const status = await eventually(
      'an ETA',
      () => backfills.status('enrich'),
      ({ eta }) => eta !== null,
    );
    // 1,000 rows at 5 a second, and not 100 ranges at 100 a second.
    expect(secondsLeft(status)).toBeGreaterThan(150);
    await backfills.cancel('enrich');
  });

  it('is by the calls that a handler of ranges makes', async () => {
    const calling = defineBackfill({
      name: 'calling',
      source: numbers(1_000),
      config: { batchSize: 10, ...rate(100), quota: { max: 8, perMs: 1000 } },
      processRange: async (_, context) => context.quota(4),
    });
    const { backfills } = await bench.start({ handlers: [calling] });
    await backfills.start('calling');
    // 100 ranges with four calls each, at 8 calls a second, and not 100 ranges at 100 a second.
    const status = await eventually(
      'an ETA by the calls',
      () => backfills.status('calling'),
      (each) => each.done >= 4 && each.eta !== null,
    );
    expect(secondsLeft(status)).toBeGreaterThan(25);
    await backfills.cancel('calling');
  });

  it('is none without workers, while paused, and while nothing was measured of an unpaced run', async () => {
    const api = await bench.start({ handlers: [work()], options: { workers: false } });
    await api.backfills.start('work');
    await eventually(
      'the warning',
      () => api.backfills.status('work'),
      ({ warnings, eta }) => warnings.length > 0 && eta === null,
    );
    await api.backfills.pause('work');
    expect((await api.backfills.status('work')).eta).toBeNull();
    await api.backfills.configure('work', rate(null));
    await api.backfills.resume('work');
    expect((await api.backfills.status('work')).eta).toBeNull();
    await api.backfills.cancel('work');
  });

  it('is by the speed of the workers where these are slower than the rate', async () => {
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 1_000));
    const { backfills } = await bench.start({ handlers: [work({ concurrency: 2, ...rate(50) }, [], slow)] });
    await backfills.start('work');
    await eventually(
      'an ETA by what was measured',
      () => backfills.status('work'),
      (status) => secondsLeft(status) > 1_000,
    );
    await backfills.cancel('work');
  });
});
