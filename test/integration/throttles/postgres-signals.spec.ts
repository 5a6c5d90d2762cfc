import { Client } from 'pg';
import { MikroORM } from '@mikro-orm/postgresql';
import { postgresAutovacuum, postgresWaits, postgresWalRate } from 'nestjs-backfill';
import type { BackfillThrottle } from 'nestjs-backfill';
import { createAppBench, eventually, Item } from '../../support/apps/index.js';
import { ThrottleMeter } from '../../support/throttles/index.js';

const bench = await createAppBench();
let orm: MikroORM;
beforeAll(async () => {
  orm = await MikroORM.init({ clientUrl: bench.database.url, entities: [Item] });
});
afterAll(() => orm.close(true));

const meter = new ThrottleMeter(() => orm.em.fork());
const ask = (throttle: BackfillThrottle) => meter.measure(throttle);
const pressed = (throttle: BackfillThrottle) => meter.until(throttle, 1);
const relieved = (throttle: BackfillThrottle) => meter.until(throttle, 0);

async function clients(count: number): Promise<Client[]> {
  const all = Array.from({ length: count }, () => new Client({ connectionString: bench.database.url }));
  await Promise.all(all.map((client) => client.connect()));
  return all;
}

it('sessions that wait for a lock press, and no longer once they have it', async () => {
  await bench.fillItems([1]);
  const throttle = postgresWaits({ from: 0.2, to: 0.7 });
  expect(await relieved(throttle)).toEqual({
    pressure: 0,
    reason: expect.stringMatching(/^\d+ % of active/),
  });
  const all = await clients(5);
  const [holder, ...waiters] = all;
  await holder?.query('BEGIN; UPDATE items SET touches = 1 WHERE id = 1');
  const waiting = waiters.map((client) => client.query('UPDATE items SET touches = 2 WHERE id = 1'));
  expect((await pressed(throttle)).reason).toMatch(/^\d+ % of active sessions wait$/);
  await holder?.query('ROLLBACK');
  await Promise.all(waiting);
  await relieved(throttle);
  await Promise.all(all.map((client) => client.end()));
});

it('a growing write-ahead log presses, and no longer once it grows slowly', async () => {
  const throttle = postgresWalRate({ from: 1_000_000, to: 3_000_000 });
  expect(await ask(throttle)).toEqual({ pressure: 0, reason: 'write-ahead log grows by 0.0 MiB/s' });
  await bench.database.query('CREATE TABLE filling (id int, filler text)');
  await eventually(
    'full pressure',
    async () => {
      await bench.database.query(
        `INSERT INTO filling SELECT n, repeat('x', 500) FROM generate_series(1, 10000) n`,
      );
      return ask(throttle);
    },
    ({ pressure }) => pressure === 1,
  );
  await bench.database.query('DROP TABLE filling');
  await relieved(throttle);
});

it('a vacuum of the table presses while it runs', async () => {
  await bench.database.query(
    `CREATE SCHEMA "sales' dept"; CREATE TABLE "sales' dept".orders (id int, filler text) WITH (autovacuum_enabled = false);
     INSERT INTO "sales' dept".orders SELECT n, repeat('x', 500) FROM generate_series(1, 20000) n;
     DELETE FROM "sales' dept".orders WHERE id % 2 = 0`,
  );
  const table = `"sales' dept".orders`;
  const throttle = postgresAutovacuum({ table, pressure: 1 });
  expect(await ask(throttle)).toEqual({ pressure: 0, reason: `no vacuum of ${table}` });
  const [vacuuming] = await clients(1);
  await vacuuming?.query('SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1');
  const vacuum = vacuuming?.query(`VACUUM ${table}`).catch((error: unknown) => error);
  expect(await pressed(throttle)).toEqual({ pressure: 1, reason: `vacuum of ${table}` });
  expect(await ask(postgresAutovacuum({ table: 'items', pressure: 1 }))).toMatchObject({ pressure: 0 });
  await bench.database.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_progress_vacuum`);
  await vacuum;
  await relieved(throttle);
  await vacuuming?.end();
});

it('a table that does not exist is an error, and a pressure that is none is refused', async () => {
  await expect(ask(postgresAutovacuum({ table: 'nothing' }))).rejects.toThrow('got "nothing"');
  expect(() => postgresAutovacuum({ table: 'items', pressure: 0 })).toThrow(RangeError);
});
