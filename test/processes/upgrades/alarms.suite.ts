import { StallStore } from '../../../lib/stalls/stall.store.js';
import { ROWS } from './backfills.js';
import type { UpgradeBench } from './upgrade-bench.js';

const HOUR_MS = 3_600_000;

/** What this version records of a run beside its progress: a time to finish by, a stall, and waiting for the budget. */
export function alarmsSuite(bench: UpgradeBench): void {
  it('a run with a time to finish by, a stall and a budget is worked on by the release, which knows none of them', async () => {
    const names = ['ids'] as const;
    const { app, backfills } = await bench.current();
    await backfills.configureBudget({ concurrency: 1, rangesPerSecond: 50, perTable: 1 });
    const finishBy = new Date(Date.now() + HOUR_MS).toISOString();
    const slow = { perSecondOnPeak: 0.5, perSecondOffPeak: 0.5 };
    const old = await bench.release();
    const { runId } = await backfills.start('ids', { finishBy, config: slow });
    await bench.until(backfills, 'both to work on it', ({ workers }) => workers === 2, names);
    const since = Date.now() + HOUR_MS;
    const waitingFor = { kind: 'unknown', reason: 'something unknown', notes: [], details: {} } as const;
    await app.get(StallStore, { strict: false }).begin(runId, { since, waitingFor });
    expect(await backfills.status('ids')).toMatchObject({ finishBy, stalled: { waitingFor } });

    // The release keeps what it does not know through what it writes.
    expect(await old.backfills.status('ids')).toMatchObject({ state: 'running', runId });
    await old.backfills.pause('ids', { by: 'bob' });
    expect(await backfills.status('ids')).toMatchObject({ state: 'paused', finishBy, stalled: null });
    await old.backfills.resume('ids');
    expect(await old.backfills.runs('ids')).toMatchObject([{ id: runId }]);
    expect((await old.backfills.history('ids')).map(({ type }) => type)).toEqual(
      expect.arrayContaining(['started', 'paused', 'resumed']),
    );
    await old.backfills.configure('ids', { perSecondOnPeak: null, perSecondOffPeak: null });
    const [status] = await bench.until(backfills, 'its end', ({ finishedAt }) => finishedAt !== null, names);
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsFailed: 0, finishBy, late: null });
    expect(await old.backfills.status('ids')).toMatchObject({ state: 'completed', rowsDone: ROWS });
    await bench.close(old);
  });
}
