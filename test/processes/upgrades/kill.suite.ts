import { NAMES, ROWS, type Name } from './backfills.js';
import { expectCompleted } from './expect-completed.js';
import type { UpgradeBench } from './upgrade-bench.js';
import type { VersionProcess } from './version-process.js';

/** Position in the walk after which handlers are held. */
const HELD_AFTER: Record<Name, number> = { ids: 80, keys: 80, batches: 80, rows: 25 };
/** Rows of the ranges that are acknowledged. */
const DONE: Record<Name, number> = { ids: 80, keys: 80, batches: 80, rows: 20 };
/** Rows that are written: four held ranges more, and for the row handler a part of one. */
const WRITTEN: Record<Name, number> = { ids: 120, keys: 120, batches: 120, rows: 26 };

const HELD = { holdAfter: HELD_AFTER, holdWritten: true, lockDuration: 1000 };
const SUCCESSOR = { lockDuration: 1000 };

/** Starts all backfills and waits until each has ranges in flight. */
async function inFlight(bench: UpgradeBench, { backfills }: VersionProcess, by: 'release' | 'current') {
  await Promise.all(NAMES.map((name) => backfills.start(name)));
  await bench.until(backfills, 'to be held', ({ rowsDone }, name) => rowsDone === DONE[name]);
  await bench.handled.untilWritten(by, (name) => WRITTEN[name]);
}

/** Processes that are killed in mid-run. */
export function killSuite(bench: UpgradeBench): void {
  it('what was in flight in a killed process of the release is handled again, and nothing else', async () => {
    const old = await bench.release(HELD);
    await inFlight(bench, old, 'release');
    await old.kill();
    const { backfills } = await bench.current(SUCCESSOR);
    await expectCompleted(bench, backfills, {
      handled: (name) => ({
        release: DONE[name],
        'release current': WRITTEN[name] - DONE[name],
        current: ROWS - WRITTEN[name],
      }),
      killed: true,
    });
  });

  it('rows that the release acknowledged within a range are not handled again', async () => {
    const names = ['rows'] as const;
    const old = await bench.release({ holdAfter: { rows: 40 }, callMs: 5, lockDuration: 1000 });
    await old.backfills.start('rows', { config: { batchSize: 60, rowAckMs: 10 } });
    await bench.until(old.backfills, 'rows to be acknowledged', ({ rowsDone }) => rowsDone > 0, names);
    await old.kill();

    const operator = await bench.current({ workers: false });
    const { done, rowsDone } = await operator.backfills.status('rows');
    const { release: written = 0 } = await bench.handled.of('rows');
    expect(done).toBe(0);
    expect(rowsDone).toBeGreaterThan(0);
    const { backfills } = await bench.current({ ...SUCCESSOR, callMs: 2 });
    const again = written - rowsDone;
    await expectCompleted(bench, backfills, {
      names,
      handled: () => ({
        release: rowsDone,
        ...(again > 0 ? { 'release current': again } : {}),
        current: ROWS - written,
      }),
      ranges: () => ROWS / 60,
      killed: true,
    });
  });

  it('what was in flight in a killed process of the current version is handled again', async () => {
    const killed = await bench.currentProcess(HELD);
    await inFlight(bench, killed, 'current');
    await killed.kill();
    const old = await bench.release(SUCCESSOR);
    await expectCompleted(bench, old.backfills, {
      handled: (name) => ({
        current: DONE[name],
        'current release': WRITTEN[name] - DONE[name],
        release: ROWS - WRITTEN[name],
      }),
      killed: true,
    });
  });
}
