import { NAMES, ROWS } from './backfills.js';
import type { UpgradeBench } from './upgrade-bench.js';

/** No multiple of the batch size. */
const CANARY = 101;

/** A canary of this version while processes of the release, which know of none, work on it, too. */
export function canarySuite(bench: UpgradeBench): void {
  it('is not exceeded by a process that does not know it', async () => {
    const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });
    const [old, { backfills }] = await Promise.all([bench.release(), bench.current()]);
    // Slow enough that both versions work on it. Cycles are frequent: those that the release takes plan nothing.
    const config = { ...rate(10), batchSize: 4, duration: 1 };
    await Promise.all(NAMES.map((name) => backfills.start(name, { config, canary: { rows: CANARY } })));
    await bench.handled.untilBoth();
    const paused = await bench.until(backfills, 'to be paused', ({ state }) => state === 'paused');
    for (const { name, rowsDone, outstanding, canary } of paused) {
      expect({ name, rowsDone, outstanding, canary }).toMatchObject({
        name,
        rowsDone: CANARY,
        outstanding: 0,
        canary: { handedOut: CANARY, state: 'passed' },
      });
    }
    for (const [name, { release = 0, current = 0 }] of Object.entries(await bench.handled.ofAll())) {
      expect({ name, handled: release + current }).toEqual({ name, handled: CANARY });
    }
    await Promise.all(NAMES.map((name) => backfills.configure(name, rate(null))));
    await Promise.all(NAMES.map((name) => backfills.resume(name)));
    const over = await bench.until(backfills, 'the run to be over', ({ finishedAt }) => finishedAt !== null);
    expect(over.map(({ state, rowsDone }) => [state, rowsDone])).toEqual(
      NAMES.map(() => ['completed', ROWS]),
    );
    await bench.close(old);
  });
}
