import { createTestDatabase, type TestDatabase } from '../../support/databases/index.js';
import { NAMES, ROWS } from './backfills.js';
import { refillSql } from './rows.entity.js';
import type { UpgradeBench } from './upgrade-bench.js';

/** Runs of this version in another database while processes of the release have workers for the same backfills. */
export function databaseSuite(bench: UpgradeBench): void {
  let other: TestDatabase;
  beforeAll(async () => {
    other = await createTestDatabase();
    await other.query(NAMES.map((name) => refillSql(name, ROWS)).join(';'));
  });

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
}
