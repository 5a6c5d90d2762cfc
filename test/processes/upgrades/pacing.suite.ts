import { ROWS, type Name } from './backfills.js';
import { expectCompleted } from './expect-completed.js';
import type { UpgradeBench } from './upgrade-bench.js';

const DAY_MS = 86_400_000;
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };

/** Quotas, throttles, and rates that a third party lowered. */
export function pacingSuite(bench: UpgradeBench): void {
  it('calls that the release took from a quota stay spent', async () => {
    const names = ['ids'] as const;
    const old = await bench.release({ quota: true });
    await old.backfills.start('ids', { config: { quota: { max: 1, perMs: DAY_MS } } });
    await bench.until(old.backfills, 'the only call', ({ done }) => done === 1, names);
    await bench.close(old);

    const called: Name[] = [];
    const { backfills } = await bench.current({ quota: true }, (name) => called.push(name));
    await bench.until(backfills, 'handlers to ask for a call', () => called.length >= 4, names);
    // Answered after the quota is, as both use one connection to Redis.
    await backfills.configure('ids', { batchSize: 20 });
    expect(await backfills.status('ids')).toMatchObject({ state: 'running', done: 1 });
    expect(await bench.handled.of('ids')).toEqual({ release: 10, '': ROWS - 10 });
    await backfills.configure('ids', { quota: null });
    await expectCompleted(bench, backfills, {
      names,
      handled: () => ({ release: 10, current: ROWS - 10 }),
      ranges: (_, { planned }) => planned,
    });
  });

  it('a rate that was lowered under the release stays so', async () => {
    const names = ['batches'] as const;
    await bench.database.query(`INSERT INTO pressure VALUES (0.5, 'replicas are late')`);
    const old = await bench.release({ throttled: true, limited: true });
    await old.backfills.start('batches', { config: { perSecondOnPeak: 2, perSecondOffPeak: 2 } });
    const slowed = ({ perSecond, reason }: { perSecond: number | null; reason: string }) =>
      perSecond === 1 && reason.includes('replicas are late');
    const [before] = await bench.until(
      old.backfills,
      'to be slowed down after it was told to come back later',
      ({ rate, callsPerSecond, done }) => slowed(rate) && callsPerSecond !== null && done > 0,
      names,
    );
    await bench.close(old);
    const { release = 0 } = await bench.handled.of('batches');

    const { backfills } = await bench.current({ throttled: true });
    const { rate, callsPerSecond } = await backfills.status('batches');
    expect(rate).toMatchObject({ perSecond: 1, reason: expect.stringContaining('replicas are late') });
    expect(callsPerSecond).toBeGreaterThanOrEqual(before?.callsPerSecond ?? Infinity);
    await bench.database.query('TRUNCATE pressure');
    await backfills.configure('batches', UNPACED);
    await expectCompleted(bench, backfills, {
      names,
      handled: () => ({ release, current: ROWS - release }),
    });
  });

  it('a run whose concurrency has bounds is finished by both, the release with the minimum', async () => {
    const names = ['ids'] as const;
    const { backfills } = await bench.current();
    await backfills.configure('ids', { concurrency: { min: 2, max: 8 } });
    const old = await bench.release();
    await old.backfills.start('ids', { config: { perSecondOnPeak: 40, perSecondOffPeak: 40 } });
    await bench.until(backfills, 'both to work on it', ({ workers }) => workers === 2, names);
    expect((await backfills.config('ids')).config.concurrency).toEqual({ min: 2, max: 8 });
    // What the release sets replaces the bounds.
    await old.backfills.configure('ids', { concurrency: 5 });
    expect((await backfills.config('ids')).config.concurrency).toBe(5);
    await old.backfills.configure('ids', UNPACED);
    const [status] = await bench.until(backfills, 'its end', ({ finishedAt }) => finishedAt !== null, names);
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS });
  });
}
