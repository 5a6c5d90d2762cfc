import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { postgresArchiveBacklog, postgresAutovacuum, postgresReplicationLag } from 'nestjs-backfill';
import type { BackfillThrottle, ThrottleContext } from 'nestjs-backfill';
import { eventually } from '../../support/apps/index.js';
import { startPostgres, startStandby } from '../../support/services/index.js';
import type { PostgresServer } from '../../support/services/index.js';

let primary: PostgresServer;
let standby: PostgresServer | undefined;
let orm: MikroORM;

beforeAll(async () => {
  primary = await startPostgres({
    settings: { wal_level: 'replica', archive_mode: 'on', max_wal_senders: 4, autovacuum_naptime: '1s' },
  });
  await query(primary, `ALTER SYSTEM SET archive_command = 'true'`, 'SELECT pg_reload_conf()');
  orm = await MikroORM.init({
    clientUrl: primary.url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
  });
});
afterAll(async () => {
  await orm.close(true);
  await standby?.stop();
  await primary.stop();
});

async function query(server: PostgresServer, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    for (const statement of statements) {
      await client.query(statement);
    }
  } finally {
    await client.end();
  }
}

const ask = async (throttle: BackfillThrottle) =>
  throttle.measure({ backfill: 'b', runId: 'r', em: orm.em.fork() } as unknown as ThrottleContext);
const untilPressure = (throttle: BackfillThrottle, expected: number, meanwhile = async () => {}) =>
  eventually(
    `a pressure of ${expected}`,
    async () => {
      await meanwhile();
      return ask(throttle);
    },
    ({ pressure }) => pressure === expected,
  );

it('segments that cannot be archived press, until the command succeeds', async () => {
  const throttle = postgresArchiveBacklog({ from: 1, to: 5 });
  await untilPressure(throttle, 0);
  await query(primary, `ALTER SYSTEM SET archive_command = 'false'`, 'SELECT pg_reload_conf()');
  const { reason } = await untilPressure(throttle, 1, () =>
    query(primary, `SELECT pg_logical_emit_message(false, 'test', 'segment')`, 'SELECT pg_switch_wal()'),
  );
  expect(reason).toMatch(/^\d+ WAL segments wait to be archived$/);
  await query(primary, `ALTER SYSTEM SET archive_command = 'true'`, 'SELECT pg_reload_conf()');
  await untilPressure(throttle, 0);
});

it('autovacuum of the table presses, until it has ended', async () => {
  await query(
    primary,
    `CREATE TABLE orders (id int, filler text) WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
       autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`,
    `INSERT INTO orders SELECT n, repeat('x', 500) FROM generate_series(1, 20000) n`,
    'DELETE FROM orders WHERE id % 2 = 0',
  );
  const throttle = postgresAutovacuum({ table: 'orders' });
  const { reason } = await untilPressure(throttle, 0.5);
  expect(reason).toBe('vacuum of orders');
  await query(
    primary,
    'ALTER TABLE orders SET (autovacuum_enabled = false)',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'`,
  );
  await untilPressure(throttle, 0);
});

it('a standby that does not replay presses, until it has caught up', async () => {
  standby = await startStandby(primary);
  const throttle = postgresReplicationLag({ from: 0.5, to: 1 });
  await query(primary, 'CREATE TABLE replicated (id int)', 'INSERT INTO replicated VALUES (1)');
  await untilPressure(throttle, 0);
  await query(standby, 'SELECT pg_wal_replay_pause()');
  const { reason } = await untilPressure(throttle, 1, () =>
    query(primary, 'INSERT INTO replicated VALUES (2)'),
  );
  expect(reason).toMatch(/^replication lag [\d.]+ s$/);
  await query(standby, 'SELECT pg_wal_replay_resume()');
  await untilPressure(throttle, 0, () => query(primary, 'INSERT INTO replicated VALUES (3)'));
});
