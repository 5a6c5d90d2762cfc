import { NAMES, ROWS } from './backfills.js';
import { expectCompleted } from './expect-completed.js';
import type { UpgradeBench } from './upgrade-bench.js';

/** Two versions that work at the same time. */
export function deploySuite(bench: UpgradeBench): void {
  it('a rolling deploy hands each row to one of the versions', async () => {
    const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });
    const old = await bench.release();
    // Slow enough that the run is not over before both versions have worked on it.
    const config = { ...rate(4), batchSize: 2 };
    await Promise.all(NAMES.map((name) => old.backfills.start(name, { config })));
    await bench.until(old.backfills, 'to be under way', ({ rowsDone }) => rowsDone > 0);
    const { backfills } = await bench.current();
    const workers = await bench.until(backfills, 'both to be known', (status) => status.workers === 2);
    expect(workers.map(({ state }) => state)).toEqual(NAMES.map(() => 'running'));
    await bench.handled.untilBoth();
    await Promise.all(NAMES.map((name) => backfills.configure(name, rate(null))));
    await old.stop();
    const handled = await bench.handled.ofAll();
    await expectCompleted(bench, backfills, {
      handled: (name) => {
        const { release = 0 } = handled[name];
        return { release, current: ROWS - release };
      },
      ranges: () => ROWS / 2,
    });
  });
}
