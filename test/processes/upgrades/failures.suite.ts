import { NAMES, RANGES, ROWS } from './backfills.js';
import { expectCompleted } from './expect-completed.js';
import type { UpgradeBench } from './upgrade-bench.js';

/** The last two are neighbors, of one range. */
const BROKEN = [7, 118, 119];
const MESSAGES = BROKEN.map((id) => `row ${id} is broken`).toSorted();

/** Failures, and ranges that failed and are not yet done. */
export function failuresSuite(bench: UpgradeBench): void {
  it('failures that the release quarantined are listed, and retried until none is left', async () => {
    const old = await bench.release({ broken: BROKEN });
    await Promise.all(NAMES.map((name) => old.backfills.start(name)));
    await bench.until(old.backfills, 'to have failed', ({ state }) => state === 'failed');
    const quarantined = await Promise.all(NAMES.map((name) => old.backfills.failures(name)));
    await bench.close(old);

    const { backfills } = await bench.current();
    for (const [i, name] of NAMES.entries()) {
      expect(await backfills.status(name)).toMatchObject({ state: 'failed', rowsDone: 237, rowsFailed: 3 });
      const { items } = await backfills.failures(name);
      expect(items.map(({ error }) => error.message).toSorted()).toEqual(MESSAGES);
      // The release lists the oldest first.
      expect(items.toReversed()).toEqual(quarantined[i]?.items);
      expect(await backfills.retryFailures(name)).toMatchObject({ retried: 3 });
    }
    await expectCompleted(bench, backfills, {
      handled: () => ({ release: ROWS - 3, current: 3 }),
      ranges: (_, { planned }) => planned,
    });
    for (const name of NAMES) {
      expect(await backfills.failures(name)).toEqual({ items: [], next: null });
    }
  });

  it('halves of ranges, and ranges that wait for another attempt, are done', async () => {
    const halved = ['ids', 'batches'] as const;
    const waiting = ['keys', 'rows'] as const;
    const old = await bench.release({ broken: [7], holdParts: true });
    await Promise.all([
      ...halved.map((name) => old.backfills.start(name, { config: { attempts: 1 } })),
      ...waiting.map((name) => old.backfills.start(name, { config: { attempts: 10, backoffMs: 2000 } })),
    ]);
    await bench.until(
      old.backfills,
      'two halves to be left',
      ({ done, outstanding }) => done === RANGES - 1 && outstanding === 2,
      halved,
    );
    await bench.until(
      old.backfills,
      'one range to wait',
      ({ done, outstanding }) => done === RANGES - 1 && outstanding === 1,
      waiting,
    );
    await bench.close(old);

    const { backfills } = await bench.current();
    for (const name of NAMES) {
      expect(await backfills.status(name)).toMatchObject({
        lastError: { message: 'row 7 is broken' },
        rowsFailed: 0,
      });
    }
    await expectCompleted(bench, backfills, {
      names: halved,
      handled: () => ({ release: ROWS - 10, current: 10 }),
      ranges: () => RANGES + 1,
    });
    await expectCompleted(bench, backfills, {
      names: waiting,
      handled: (name) =>
        name === 'rows' ? { release: ROWS - 1, current: 1 } : { release: ROWS - 10, current: 10 },
    });
  });
}
