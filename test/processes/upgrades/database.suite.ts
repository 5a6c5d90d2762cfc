import { createTestDatabase, type TestDatabase } from '../../support/databases/index.js';
import { NAMES, ROWS, type Name } from './backfills.js';
import { refillSql } from './rows.entity.js';
import type { UpgradeBench } from './upgrade-bench.js';

/** Position in the walk after which handlers are held, and the rows that are acknowledged then. */
const HELD_AFTER: Record<Name, number> = { ids: 80, keys: 80, batches: 80, rows: 25 };
const DONE: Record<Name, number> = { ids: 80, keys: 80, batches: 80, rows: 20 };

/** Runs of this version in another database while processes of the release have workers for the same backfills. */
export function databaseSuite(bench: UpgradeBench): void {
  let other: TestDatabase;
  beforeAll(async () => {
    other = await createTestDatabase();
  });
  beforeEach(() => other.query(NAMES.map((name) => refillSql(name, ROWS)).join(';')));

  it('are left alone by processes that know only one', async () => {
    const slow = { perSecondOnPeak: 6, perSecondOffPeak: 6, duration: 2 };
    const old = await Promise.all([bench.release(), bench.release()]);
    const { backfills } = await bench.current({ otherDatabaseUrl: other.url });
    await Promise.all(NAMES.map((name) => backfills.configure(name, slow)));
    await Promise.all(NAMES.map((name) => backfills.start(name)));
    await bench.until(backfills, 'to be over', ({ finishedAt }) => finishedAt !== null);
    for (const name of NAMES) {
      expect(await backfills.status(name)).toMatchObject({ state: 'completed', rowsDone: ROWS, failed: 0 });
      expect(await other.query(`SELECT DISTINCT handled_by AS by FROM ${name}`)).toEqual([
        { by: 'current ' },
      ]);
      expect(await bench.database.query(`SELECT DISTINCT handled_by AS by FROM ${name}`)).toEqual([
        { by: '' },
      ]);
      expect(await old[0]?.backfills.status(name)).toMatchObject({ state: 'completed', rowsDone: ROWS });
    }
    await Promise.all(old.map((process) => bench.close(process)));
  });

  it('are gone on with where their process was killed', async () => {
    const plan = { otherDatabaseUrl: other.url, lockDuration: 1000 };
    const old = await bench.release();
    const killed = await bench.currentProcess({ ...plan, holdAfter: HELD_AFTER, holdWritten: true });
    await Promise.all(NAMES.map((name) => killed.backfills.start(name)));
    await bench.until(killed.backfills, 'to be held', ({ rowsDone }, name) => rowsDone >= DONE[name]);
    await killed.kill();
    const { backfills } = await bench.current(plan);
    await bench.until(backfills, 'to be over', ({ finishedAt }) => finishedAt !== null);
    for (const name of NAMES) {
      expect(await backfills.status(name)).toMatchObject({
        state: 'completed',
        rowsDone: ROWS,
        rowsFailed: 0,
      });
      expect(await other.query(`SELECT DISTINCT split_part(handled_by, ' ', 1) AS by FROM ${name}`)).toEqual([
        { by: 'current' },
      ]);
      expect(await bench.database.query(`SELECT DISTINCT handled_by AS by FROM ${name}`)).toEqual([
        { by: '' },
      ]);
    }
    await bench.close(old);
  });
}
