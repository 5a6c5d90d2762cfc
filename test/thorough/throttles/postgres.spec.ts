import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import {
  postgresArchiveBacklog,
  postgresAutovacuum,
  postgresConnections,
  postgresReplicationLag,
  probeLatency,
} from 'nestjs-backfill';
import { eventually } from '../../support/apps/index.js';
import { startPostgres, startStandby } from '../../support/services/index.js';
import type { PostgresServer } from '../../support/services/index.js';
import { ThrottleMeter } from '../../support/throttles/index.js';

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

const meter = new ThrottleMeter(() => orm.em.fork());

it('segments that cannot be archived press, until the command succeeds', async () => {
  const throttle = postgresArchiveBacklog({ from: 1, to: 5 });
  await meter.until(throttle, 0);
  await query(primary, `ALTER SYSTEM SET archive_command = 'false'`, 'SELECT pg_reload_conf()');
  const { reason } = await meter.until(throttle, 1, () =>
    query(primary, `SELECT pg_logical_emit_message(false, 'test', 'segment')`, 'SELECT pg_switch_wal()'),
  );
  expect(reason).toMatch(/^\d+ WAL segments wait to be archived$/);
  await query(primary, `ALTER SYSTEM SET archive_command = 'true'`, 'SELECT pg_reload_conf()');
  await meter.until(throttle, 0);
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
  const { reason } = await meter.until(throttle, 0.5);
  expect(reason).toBe('vacuum of orders');
  await query(
    primary,
    'ALTER TABLE orders SET (autovacuum_enabled = false)',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'`,
  );
  await meter.until(throttle, 0);
});

it('a standby that does not replay presses, until it has caught up', async () => {
  standby = await startStandby(primary);
  const throttle = postgresReplicationLag({ from: 0.5, to: 1 });
  await query(primary, 'CREATE TABLE replicated (id int)', 'INSERT INTO replicated VALUES (1)');
  await meter.until(throttle, 0);
  await query(standby, 'SELECT pg_wal_replay_pause()');
  const { reason } = await meter.until(throttle, 1, () =>
    query(primary, 'INSERT INTO replicated VALUES (2)'),
  );
  expect(reason).toMatch(/^replication lag [\d.]+ s$/);
  await query(standby, 'SELECT pg_wal_replay_resume()');
  await meter.until(throttle, 0, () => query(primary, 'INSERT INTO replicated VALUES (3)'));
});

it('connections of others press, until they are closed', async () => {
  // Of 200 of the server.
  const throttle = postgresConnections({ from: 0.05, to: 0.1 });
  await meter.until(throttle, 0);
  const clients = Array.from({ length: 25 }, () => new Client({ connectionString: primary.url }));
  await Promise.all(clients.map((client) => client.connect()));
  const { reason } = await meter.until(throttle, 1);
  expect(reason).toMatch(/^1[2-9] % of connections in use$/);
  await Promise.all(clients.map((client) => client.end()));
  await meter.until(throttle, 0);
});

it('a probe that waits for a lock presses, and less once it has it', async () => {
  await query(primary, 'CREATE TABLE probed (id int)', 'INSERT INTO probed VALUES (1)');
  const throttle = probeLatency({
    probe: (em) => em.getConnection().execute('select id from probed'),
    baselineMs: 20,
  });
  await meter.until(throttle, 0);
  const locker = new Client({ connectionString: primary.url });
  await locker.connect();
  await locker.query('BEGIN; LOCK TABLE probed');
  const pressed = await eventually(
    'pressure',
    () => meter.measure(throttle),
    ({ pressure }) => pressure > 0.9,
  );
  expect(pressed.reason).toMatch(/^probe takes \d+\.\d ms \(p95\), \d+\.\d times its baseline$/);
  await locker.query('ROLLBACK');
  await locker.end();
  // It falls by a tenth each second.
  await eventually(
    'less pressure',
    () => meter.measure(throttle),
    ({ pressure }) => pressure < 0.7,
  );
});

// Last, as it kills the server.
it('a database that is down is an error, and measured again once it is back', async () => {
  const throttle = postgresConnections();
  const probe = probeLatency({ probe: (em) => em.getConnection().execute('select 1'), baselineMs: 20 });
  await meter.until(throttle, 0);
  await meter.until(probe, 0);
  await primary.kill();
  await expect(meter.measure(throttle)).rejects.toThrow();
  await eventually(
    'the probe to fail',
    () =>
      meter.measure(probe).then(
        () => false,
        () => true,
      ),
    (fails) => fails,
  );
  await primary.restart();
  const measured = (each: typeof probe) => () =>
    meter.measure(each).catch((error: unknown) => ({ pressure: NaN, reason: String(error) }));
  for (const each of [throttle, probe]) {
    await eventually('no pressure', measured(each), ({ pressure }) => pressure === 0);
  }
});
