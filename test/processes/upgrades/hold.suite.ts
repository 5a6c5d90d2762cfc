import { setTimeout as sleep } from 'node:timers/promises';
import { NAMES, ROWS, type Name } from './backfills.js';
import { expectCompleted } from './expect-completed.js';
import type { UpgradeBench } from './upgrade-bench.js';

const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };

/** A hold of all runs, of which the release knows nothing but what is mirrored into its runs. */
export function holdSuite(bench: UpgradeBench): void {
  it('the release starts nothing of a run that is started while all are held', async () => {
    const { backfills } = await bench.current({ workers: false });
    const old = await bench.release();
    await backfills.hold({ by: 'ada', reason: 'incident 42' });
    await Promise.all(NAMES.map((name) => backfills.start(name)));
    await sleep(2_500);
    for (const name of NAMES) {
      expect(await bench.handled.of(name)).toEqual({ '': ROWS });
      expect(await old.backfills.status(name)).toMatchObject({
        state: 'running',
        rate: { perSecond: 0, reason: expect.stringContaining('incident 42') as string },
      });
    }
    await backfills.release();
    await expectCompleted(bench, old.backfills, { handled: () => ({ release: ROWS }) });
    await bench.close(old);
  });

  it('a run that the release works on is held and goes on, and one that was paused stays so', async () => {
    const names = ['ids', 'batches'] as const;
    const old = await bench.release();
    const slow = { config: { perSecondOnPeak: 8, perSecondOffPeak: 8 } };
    await Promise.all(names.map((name) => old.backfills.start(name, slow)));
    await old.backfills.start('keys', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    await old.backfills.pause('keys', { by: 'bob' });
    const { backfills } = await bench.current({ workers: false });
    await bench.until(old.backfills, 'to work', ({ done }) => done > 2, names);
    await backfills.hold({ reason: 'deploy freeze' });
    // Of what it has claimed, the release finishes what is due within 250 ms.
    await sleep(1_000);
    const handled = () => Promise.all(names.map((name: Name) => bench.handled.of(name)));
    const before = await handled();
    await sleep(2_000);
    expect(await handled()).toEqual(before);
    await backfills.release();
    await Promise.all(names.map((name) => backfills.configure(name, UNPACED)));
    await expectCompleted(bench, old.backfills, { names, handled: () => ({ release: ROWS }) });
    expect(await old.backfills.status('keys')).toMatchObject({ state: 'paused', done: 0 });
    await bench.close(old);
  });
}
