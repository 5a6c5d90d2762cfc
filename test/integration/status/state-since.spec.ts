import { keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const unpaced = { perSecondOnPeak: null, perSecondOffPeak: null };
const held = { perSecondOnPeak: 0, perSecondOffPeak: 0 };

function work(config = {}, processRange: () => void = () => undefined) {
  return defineBackfill({
    name: 'work',
    source: numbers(10),
    config: { batchSize: 1, ...config },
    processRange,
  });
}

async function runKey(runId: string) {
  const [key = ''] = await bench.redis.client.keys(`*:run:${runId}`);
  return key;
}

describe('since when a state holds', () => {
  it('is in the status of each state, by the clock of Redis', async () => {
    const { backfills } = await bench.start({ handlers: [work(held)] });
    const status = () => backfills.status('work');
    const idle = await status();
    expect(idle).toMatchObject({
      state: 'idle',
      stateSince: null,
      activeAt: null,
      stalled: null,
      held: null,
    });
    expect(idle.now).toMatch(/^\d{4}-.*Z$/);

    await backfills.start('work');
    const running = await status();
    expect(running.stateSince).toBe(running.startedAt);

    await backfills.pause('work', { by: 'carol' });
    const paused = await status();
    expect(Date.parse(paused.stateSince ?? '')).toBeGreaterThanOrEqual(Date.parse(running.now));
    expect(Date.parse(paused.stateSince ?? '')).toBeLessThanOrEqual(Date.parse(paused.now));

    await backfills.resume('work');
    const resumed = await status();
    expect(Date.parse(resumed.stateSince ?? '')).toBeGreaterThanOrEqual(Date.parse(paused.now));
    expect(resumed.startedAt).toBe(running.startedAt);

    await backfills.cancel('work');
    const cancelled = await status();
    expect(cancelled.stateSince).toBe(cancelled.finishedAt);
    expect(cancelled.stateSince).not.toBeNull();
  });

  it('is the end of a run that has ended, and its retry when failures are retried', async () => {
    let fails = true;
    const failing = work(
      { attempts: 1, maxInitialFailures: null, perSecondOnPeak: null, perSecondOffPeak: null },
      () => {
        if (fails) throw new Error('not yet');
      },
    );
    const { backfills, finished } = await bench.start({ handlers: [failing] });
    await backfills.start('work');
    const failed = await finished('work');
    expect(failed).toMatchObject({ state: 'failed', stateSince: failed.finishedAt });
    expect(failed.activeAt).not.toBeNull();
    fails = false;
    await backfills.configure('work', held);
    await backfills.retryFailures('work');
    const retried = await backfills.status('work');
    expect(retried.state).toBe('running');
    expect(Date.parse(retried.stateSince ?? '')).toBeGreaterThanOrEqual(Date.parse(failed.now));
    await backfills.cancel('work');
  });

  it('is not known of runs that processes of an earlier version have started, or moved since', async () => {
    const { backfills } = await bench.start({ handlers: [work(held)] });
    const { runId } = await backfills.start('work');
    const key = await runKey(runId);
    await bench.redis.client.hset(key, 'status', 'paused');
    expect(await backfills.status('work')).toMatchObject({ state: 'paused', stateSince: null });
    await bench.redis.client.multi().hset(key, 'status', 'running').hincrby(key, 'resumes', 1).exec();
    expect(await backfills.status('work')).toMatchObject({ state: 'running', stateSince: null });
    await bench.redis.client.hdel(key, 'stateSince', 'activeAt', 'rateSince', 'holdSince');
    expect(await backfills.status('work')).toMatchObject({
      stateSince: null,
      activeAt: null,
      stalled: null,
    });
    await backfills.cancel('work');
  });

  it('is when something was last done, of ranges and of rows within a range', async () => {
    const { backfills } = await bench.start({
      handlers: [work({ perSecondOnPeak: 2, perSecondOffPeak: 2 })],
    });
    await backfills.start('work');
    const first = await eventually(
      'something was done',
      () => backfills.status('work'),
      ({ activeAt }) => activeAt !== null,
    );
    await eventually(
      'more was done',
      () => backfills.status('work'),
      ({ activeAt }) => Date.parse(activeAt ?? '') > Date.parse(first.activeAt ?? ''),
    );
    await backfills.cancel('work');
  });

  it('is when rows of a range that is under way were last done', async () => {
    await bench.fillItems('SELECT generate_series(1, 100)');
    const rows = defineBackfill({
      name: 'rows',
      source: keyset(Item, { orderBy: { id: 'asc' } }),
      config: { batchSize: 100, rowAckMs: 50, ...unpaced },
      processRow: () => new Promise<void>((resolve) => setTimeout(resolve, 100)),
    });
    const { backfills } = await bench.start({ handlers: [rows] });
    await backfills.start('rows');
    const status = await eventually(
      'rows that are done',
      () => backfills.status('rows'),
      ({ activeAt }) => activeAt !== null,
    );
    expect(status).toMatchObject({ done: 0, stalled: null });
    await backfills.cancel('rows');
  });

  it('is when its verification began, of a run that is verified', async () => {
    await bench.fillItems('SELECT generate_series(1, 30)');
    const verified = defineBackfill<never, Item>({
      name: 'verified',
      source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
      config: { batchSize: 10, ...unpaced },
      verify: {
        sample: 30,
        row: () => new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 200)),
      },
      processBatch: (items) => {
        for (const item of items) item.state = 'done';
      },
    });
    const { backfills } = await bench.start({ handlers: [verified] });
    await backfills.start('verified');
    const status = await eventually(
      'the verification',
      () => backfills.status('verified'),
      ({ state }) => state === 'verifying',
    );
    expect(Date.parse(status.stateSince ?? '')).toBeGreaterThan(Date.parse(status.startedAt ?? ''));
    expect(Date.parse(status.stateSince ?? '')).toBeLessThanOrEqual(Date.parse(status.now));
    expect(status.eta).toBeNull();
    await backfills.cancel('verified');
  });
});
