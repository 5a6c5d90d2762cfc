import { ROWS } from './backfills.js';
import type { Name } from './backfills.js';
import type { UpgradeBench } from './upgrade-bench.js';

/** Handlers that are journaled without `ctx.journal`, which the release has not. */
const UNDONE: readonly Name[] = ['batches', 'rows'];

/** An undo of this version while processes of the release, which know of none, have workers, too. */
export function undoSuite(bench: UpgradeBench): void {
  it('is left alone by processes that do not know it', async () => {
    const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });
    const { backfills } = await bench.current({ undo: true });
    const contents = () =>
      Promise.all(UNDONE.map((name) => bench.database.query(`SELECT * FROM ${name} ORDER BY id`)));
    const before = await contents();
    await Promise.all(UNDONE.map((name) => backfills.start(name)));
    const runs = await bench.until(
      backfills,
      'to be completed',
      ({ state }) => state === 'completed',
      UNDONE,
    );
    expect(runs.map(({ journaled }) => journaled)).toEqual(UNDONE.map(() => ROWS));

    const old = await Promise.all([bench.release(), bench.release()]);
    // Slow enough for the release to plan, to reconcile jobs, and to take what it can.
    await Promise.all(
      UNDONE.map((name) => backfills.configure(name, { ...rate(4), batchSize: 4, duration: 2 })),
    );
    await Promise.all(runs.map(({ name, runId }) => backfills.undo(name, { runId: String(runId) })));
    const undone = await bench.until(
      backfills,
      'the undo to be over',
      ({ finishedAt, undoes }) => undoes !== null && finishedAt !== null,
      UNDONE,
    );
    expect(undone).toMatchObject(
      runs.map(({ runId }) => ({
        state: 'completed',
        undoes: runId,
        rowsDone: ROWS,
        rowsFailed: 0,
        conflicts: 0,
        failed: 0,
        lastError: null,
      })),
    );
    expect(await contents()).toEqual(before);
    for (const name of UNDONE) {
      const [started] = await old[0].backfills.history(name, 1);
      expect(started).toMatchObject({ type: 'completed' });
      expect(await old[0].backfills.status(name)).toMatchObject({ state: 'completed', rowsDone: ROWS });
    }
    await Promise.all(old.map((process) => bench.close(process)));
  });
}
