import { BATCH, NAMES, ROWS, type Name } from './backfills.js';
import { expectCompleted } from './expect-completed.js';
import type { UpgradeBench } from './upgrade-bench.js';

/** Rows done before the pause: whole ranges, and for the row handler a part of the third one. */
const DONE: Record<Name, number> = { ids: 80, keys: 80, batches: 80, rows: 25 };

/** Runs that are paused under one version and resumed under the other. */
export function pauseSuite(bench: UpgradeBench): void {
  it('a run that was paused under the release is resumed and completed', async () => {
    const old = await bench.release({ holdAfter: DONE });
    const started = await Promise.all(NAMES.map((name) => old.backfills.start(name, { startedBy: 'ada' })));
    await bench.until(
      old.backfills,
      'to be held',
      ({ done }, name) => done === Math.floor(DONE[name] / BATCH),
    );
    await bench.handled.untilHeld('rows', DONE.rows + 1);
    await Promise.all(NAMES.map((name) => old.backfills.pause(name, { reason: 'upgrade' })));
    await bench.until(old.backfills, 'handlers to end', ({ rowsDone }, name) => rowsDone === DONE[name]);
    await bench.close(old);

    const { backfills } = await bench.current();
    for (const [i, name] of NAMES.entries()) {
      expect(await backfills.status(name)).toMatchObject({
        state: 'paused',
        stateReason: 'upgrade',
        runId: started[i]?.runId,
        rowsDone: DONE[name],
        rowsTotal: ROWS,
        startedBy: 'ada',
      });
    }
    await Promise.all(NAMES.map((name) => backfills.resume(name)));
    await expectCompleted(bench, backfills, {
      handled: (name) => ({ release: DONE[name], current: ROWS - DONE[name] }),
    });
    for (const [i, name] of NAMES.entries()) {
      expect(await backfills.runs(name)).toMatchObject([{ id: started[i]?.runId, status: 'completed' }]);
      expect((await backfills.history(name)).map(({ type }) => type)).toEqual([
        'completed',
        'resumed',
        'paused',
        'started',
      ]);
    }
  });

  it('a config that was changed under the release is in force', async () => {
    const old = await bench.release({ holdAfter: DONE });
    await Promise.all(NAMES.map((name) => old.backfills.start(name)));
    await bench.until(
      old.backfills,
      'to be held',
      ({ done }, name) => done === Math.floor(DONE[name] / BATCH),
    );
    await bench.handled.untilHeld('rows', DONE.rows + 1);
    await Promise.all(NAMES.map((name) => old.backfills.pause(name)));
    // Off peak nothing starts, and it is always on peak.
    const patch = {
      batchSize: 30,
      concurrency: 2,
      attempts: 5,
      perSecondOnPeak: 60,
      perSecondOffPeak: 0,
      onPeakTimezone: 'Europe/Lisbon',
      onPeakWdayBegin: 0,
      onPeakWdayEnd: 6,
      onPeakHourBegin: 0,
      onPeakHourEnd: 23,
    };
    for (const name of NAMES) {
      await old.backfills.configure(name, patch, { by: 'bob' });
    }
    const configured = await Promise.all(NAMES.map((name) => old.backfills.config(name)));
    const paused = await Promise.all(NAMES.map((name) => old.backfills.status(name)));
    await bench.close(old);

    const { backfills } = await bench.current();
    for (const [i, name] of NAMES.entries()) {
      const config = await backfills.config(name);
      expect(config).toMatchObject(configured[i] ?? {});
      expect(config.config).toMatchObject(patch);
    }
    await Promise.all(NAMES.map((name) => backfills.resume(name)));
    const planned = (name: Name) => paused[NAMES.indexOf(name)]?.planned ?? NaN;
    await expectCompleted(bench, backfills, {
      handled: (name) => ({ release: DONE[name], current: ROWS - DONE[name] }),
      ranges: (name) => planned(name) + Math.ceil((ROWS - BATCH * planned(name)) / patch.batchSize),
    });
  });

  it('a run that was paused under the current version is completed by the release', async () => {
    const { backfills, close } = await bench.current({ holdAfter: DONE });
    await Promise.all(NAMES.map((name) => backfills.start(name)));
    await bench.until(backfills, 'to be held', ({ done }, name) => done === Math.floor(DONE[name] / BATCH));
    await bench.handled.untilHeld('rows', DONE.rows + 1);
    await Promise.all(NAMES.map((name) => backfills.pause(name)));
    await close();
    const old = await bench.release();
    await Promise.all(NAMES.map((name) => old.backfills.resume(name)));
    await expectCompleted(bench, old.backfills, {
      handled: (name) => ({ current: DONE[name], release: ROWS - DONE[name] }),
    });
    await bench.close(old);
  });
}
