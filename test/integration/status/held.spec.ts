import { RateLimitedError } from 'nestjs-backfill';
import type { BackfillThrottle } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });

function work(config = {}, processRange: () => void = () => undefined, throttles: BackfillThrottle[] = []) {
  const defaults = { batchSize: 1, ...rate(20), ...config };
  return defineBackfill({ name: 'work', source: numbers(10_000), config: defaults, processRange, throttles });
}

describe('a run that hands out nothing', () => {
  it('is held by a configured rate of 0', async () => {
    const { backfills } = await bench.start({ handlers: [work(rate(0))] });
    await backfills.start('work');
    const status = await backfills.status('work');
    expect(status).toMatchObject({
      state: 'running',
      held: { reason: 'the configured rate is 0', until: null },
      eta: null,
      stalled: null,
    });
    expect(Date.parse(status.held?.since ?? '')).toBeLessThanOrEqual(Date.parse(status.now));
    await backfills.configure('work', rate(20));
    expect((await backfills.status('work')).held).toBeNull();
  });

  it('is held until the hours with a rate', async () => {
    const hour = new Date().getUTCHours();
    const { backfills } = await bench.start({ handlers: [work()] });
    await backfills.start('work', {
      config: {
        perSecondOnPeak: 0,
        onPeakWdayBegin: 0,
        onPeakWdayEnd: 6,
        onPeakHourBegin: hour,
        onPeakHourEnd: (hour + 1) % 24,
      },
    });
    const { held } = await backfills.status('work');
    const end = new Date();
    end.setUTCHours(hour + 2, 0, 0, 0);
    expect(held).toMatchObject({ reason: 'the configured rate on peak is 0', until: end.toISOString() });
  });

  it('is held by a throttle at full pressure, in its words, and has no ETA', async () => {
    const reading = { pressure: 0, reason: 'replication lag 48 s' };
    const throttle = { name: 'lag', measure: () => reading };
    const { backfills } = await bench.start({ handlers: [work({}, undefined, [throttle])] });
    await backfills.start('work');
    await eventually(
      'an ETA',
      () => backfills.status('work'),
      ({ eta }) => eta !== null,
    );
    reading.pressure = 1;
    const status = await eventually(
      'the hold',
      () => backfills.status('work'),
      ({ held }) => held !== null,
    );
    expect(status).toMatchObject({ held: { reason: 'replication lag 48 s', until: null }, eta: null });
    expect(status.held?.since).not.toBeNull();
    reading.reason = 'replication lag 50 s';
    const later = await eventually(
      'the newest reading',
      () => backfills.status('work'),
      ({ held }) => held?.reason === 'replication lag 50 s',
    );
    expect(later.held?.since).toBe(status.held?.since);
    reading.pressure = 0;
    await eventually(
      'the end of the hold',
      () => backfills.status('work'),
      ({ held }) => held === null,
    );
  });

  it('is held by a third party until a time, since the first of the holds that follow each other', async () => {
    const limited = work({}, () => {
      throw new RateLimitedError(700);
    });
    const { backfills } = await bench.start({ handlers: [limited] });
    await backfills.start('work');
    const first = await eventually(
      'the hold',
      () => backfills.status('work'),
      ({ held }) => held !== null,
    );
    expect(first.held?.reason).toBe('held by the third party');
    expect(Date.parse(first.held?.until ?? '')).toBeGreaterThan(Date.parse(first.now));
    const seen = [first];
    const next = await eventually(
      'the next hold',
      async () => {
        const status = await backfills.status('work');
        seen.push(status);
        return status;
      },
      ({ held }) => held !== null && held.until !== null && held.until !== first.held?.until,
    );
    expect(next.held?.since).toBe(first.held?.since);
    // Between the two it is tried again, and nothing is done.
    expect(seen.filter(({ held }) => held === null)).toEqual([]);
    await backfills.cancel('work');
    expect((await backfills.status('work')).held).toBeNull();
  });
});
