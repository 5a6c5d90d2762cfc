import { NAMES, ROWS, type Name } from './backfills.js';
import { expectCompleted } from './expect-completed.js';
import type { UpgradeBench } from './upgrade-bench.js';

const HELD_AFTER: Record<Name, number> = { ids: 80, keys: 80, batches: 80, rows: 25 };
/** One of the two is among the first rows of the walk in either direction. */
const BROKEN: Record<'forward' | 'backward', number> = { forward: 7, backward: ROWS - 7 };

/** The ledger that the release wrote. */
export function ledgerSuite(bench: UpgradeBench): void {
  it('runs that Redis lost go on from the checkpoints of the release', async () => {
    const old = await bench.release({
      ledger: true,
      holdAfter: HELD_AFTER,
      broken: Object.values(BROKEN),
    });
    // Room for every outstanding range: the halves of the broken one do not wait behind held ones.
    const config = { attempts: 1, concurrency: 16 };
    const started = await Promise.all(NAMES.map((name) => old.backfills.start(name, { config })));
    const done = (name: Name) => HELD_AFTER[name] - 1;
    await bench.until(old.backfills, 'a row to be quarantined', ({ rowsFailed }) => rowsFailed === 1);
    await bench.until(
      old.backfills,
      'to be held',
      ({ rowsDone }, name) => rowsDone === (name === 'rows' ? 19 : done(name)),
    );
    await Promise.all(NAMES.map((name) => old.backfills.pause(name, { reason: 'upgrade' })));
    await bench.until(old.backfills, 'handlers to end', ({ rowsDone }, name) => rowsDone === done(name));
    // A change writes a checkpoint.
    await Promise.all(NAMES.map((name) => old.backfills.configure(name, { batchSize: 20 })));
    const configured = await Promise.all(NAMES.map((name) => old.backfills.config(name)));
    const quarantined = await Promise.all(NAMES.map((name) => old.backfills.failures(name)));
    await bench.close(old);
    await bench.redis.client.flushdb();

    const { backfills } = await bench.current({ ledger: true });
    for (const [i, name] of NAMES.entries()) {
      expect(await backfills.status(name)).toMatchObject({
        state: 'paused',
        stateReason: 'upgrade',
        runId: started[i]?.runId,
        rowsDone: done(name),
        rowsFailed: 1,
      });
      expect(await backfills.config(name)).toMatchObject(configured[i] ?? {});
      // The release lists the oldest first.
      expect((await backfills.failures(name)).items.toReversed()).toEqual(quarantined[i]?.items);
      await backfills.resume(name);
    }
    await bench.until(backfills, 'to have failed', ({ state }) => state === 'failed');
    await Promise.all(NAMES.map((name) => backfills.retryFailures(name)));
    await expectCompleted(bench, backfills, {
      handled: (name) => ({ release: done(name), current: ROWS - done(name) }),
      ranges: (_, { planned }) => planned,
    });
    for (const [i, name] of NAMES.entries()) {
      const [run] = await backfills.runs(name);
      expect(run).toMatchObject({ id: started[i]?.runId, status: 'completed' });
      expect(run?.changes?.map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(['started', 'paused', 'configured', 'resumed', 'retried', 'completed']),
      );
    }
  });
}
