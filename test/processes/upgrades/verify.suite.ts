import { NAMES, ROWS } from './backfills.js';
import type { UpgradeBench } from './upgrade-bench.js';

/** A run that this version verifies while processes of the release, which know of no verification, work on it, too. */
export function verifySuite(bench: UpgradeBench): void {
  it('is not ended early by a process that does not know it', async () => {
    const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });
    const filtered = { filtered: true };
    const [old, { backfills }] = await Promise.all([bench.release(filtered), bench.current(filtered)]);
    // Slow enough that the run is not over before both versions have worked on it.
    // Cycles are frequent: those that the release takes plan nothing.
    const config = { ...rate(10), batchSize: 4, duration: 1 };
    await Promise.all(NAMES.map((name) => backfills.start(name, { config, verify: true })));
    await bench.until(backfills, 'to be under way', ({ rowsDone }) => rowsDone > 0);
    // Before all rows of a walk, and behind all.
    await bench.database.query(
      NAMES.map(
        (name) =>
          `INSERT INTO ${name} (id, created_at) VALUES (0, '2020-01-01'), (${ROWS + 1}, '2030-01-01')`,
      ).join(';'),
    );
    await bench.handled.untilBoth();
    await Promise.all(NAMES.map((name) => backfills.configure(name, rate(null))));
    const over = await bench.until(backfills, 'the run to be over', ({ finishedAt }) => finishedAt !== null);
    for (const { name, state, rowsDone, verified } of over) {
      expect({ name, state, rowsDone, verified }).toMatchObject({
        name,
        state: 'completed',
        rowsDone: ROWS + 2,
        verified: { left: 0, swept: 2 },
      });
    }
    for (const [name, { release = 0, current = 0 }] of Object.entries(await bench.handled.ofAll())) {
      expect({ name, handled: release + current }).toEqual({ name, handled: ROWS + 2 });
    }
    await bench.close(old);
  });
}
