import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const work = defineBackfill({
  name: 'work',
  source: numbers(10),
  config: { perSecondOnPeak: 0, perSecondOffPeak: 0 },
  processRange: () => undefined,
});

describe('who paused a run', () => {
  it('is in the status while it is paused', async () => {
    const { backfills } = await bench.start({ handlers: [work] });
    const pausedBy = async () => (await backfills.status('work')).pausedBy;
    expect(await pausedBy()).toBeNull();
    await backfills.start('work', { startedBy: 'ada' });
    expect(await pausedBy()).toBeNull();
    await backfills.pause('work', { by: 'ada' });
    expect(await pausedBy()).toBe('ada');
    await backfills.resume('work', { by: 'ada' });
    expect(await pausedBy()).toBeNull();
    await backfills.pause('work');
    expect(await pausedBy()).toBeNull();
    await backfills.cancel('work', { by: 'ada' });
    expect(await pausedBy()).toBeNull();
  });

  it('is not known where a process of an earlier version has resumed and paused it since', async () => {
    const { backfills } = await bench.start({ handlers: [work] });
    const { runId } = await backfills.start('work');
    await backfills.pause('work', { by: 'ada' });
    const { client } = bench.redis;
    const [key = ''] = await client.keys(`*:run:${runId}`);
    await client.multi().hset(key, 'status', 'running').hincrby(key, 'resumes', 1).exec();
    await client.hset(key, 'status', 'paused');
    expect(await backfills.status('work')).toMatchObject({ state: 'paused', pausedBy: null });
    await backfills.cancel('work');
  });
});
