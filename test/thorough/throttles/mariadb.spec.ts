import { MikroORM } from '@mikro-orm/mariadb';
import { mysqlReplicaLag, mysqlThreads } from 'nestjs-backfill';
import { eventually } from '../../support/apps/index.js';
import { startMariadb, type MariadbServer } from '../../support/services/mariadb.js';
import { ThrottleMeter } from '../../support/throttles/index.js';

let primary: MariadbServer;
let replica: MariadbServer;
let orm: MikroORM;
let onReplica: MikroORM;

const open = (server: MariadbServer, replicas: { name: string; host: string; port: number }[] = []) =>
  MikroORM.init({
    clientUrl: server.url,
    dbName: 'mysql',
    entities: [],
    discovery: { warnWhenNoEntities: false },
    ...(replicas.length > 0 ? { replicas } : {}),
  });

beforeAll(async () => {
  [primary, replica] = await Promise.all([
    startMariadb({ 'server-id': 1, 'log-bin': 'log' }),
    startMariadb({ 'server-id': 2, 'log-bin': 'log' }),
  ]);
  orm = await open(primary, [{ name: 'replica', host: replica.host, port: replica.port }]);
  onReplica = await open(replica);
});
afterAll(async () => {
  await orm.close(true);
  await onReplica.close(true);
  await Promise.all([primary.stop(), replica.stop()]);
});

const meter = new ThrottleMeter(() => orm.em.fork());

it('statements that run at once press, until they have ended', async () => {
  const throttle = mysqlThreads({ from: 2, to: 6 });
  await meter.until(throttle, 0);
  const busy = await Promise.all(Array.from({ length: 8 }, () => open(primary)));
  const running = busy.map((each) => each.em.getConnection().execute('select sleep(600)'));
  const { reason } = await meter.until(throttle, 1);
  expect(reason).toMatch(/^\d+ threads run in the database$/);
  const connection = orm.em.getConnection();
  const threads = await eventually(
    'all statements to run',
    async () =>
      connection.execute<{ id: number }[]>(
        `select id from information_schema.processlist where info = 'select sleep(600)'`,
      ),
    ({ length }) => length === busy.length,
  );
  await Promise.all(threads.map(({ id }) => connection.execute(`kill query ${id}`)));
  await Promise.allSettled(running);
  await Promise.all(busy.map((each) => each.close(true)));
  await meter.until(throttle, 0);
});

it('a server that is no replica has no lag', async () => {
  expect(await meter.measure(mysqlReplicaLag(), () => onReplica.em.fork())).toEqual({
    pressure: 0,
    reason: 'replication lag 0.0 s',
  });
});

it('a replica that does not apply presses, until it has caught up', async () => {
  const write = orm.em.getConnection('write');
  const apply = onReplica.em.getConnection();
  await write.execute('create database app');
  await write.execute('create table app.replicated (id int)');
  await write.execute(`create user replicator@'%' identified by 'secret'`);
  await write.execute(`grant replication slave on *.* to replicator@'%'`);
  await apply.execute(
    `change master to master_host = '${primary.host}', master_port = ${primary.port}, master_user = 'replicator',
       master_password = 'secret', master_log_file = 'log.000001', master_log_pos = 4`,
  );
  await apply.execute('start slave');
  const throttle = mysqlReplicaLag({ from: 1, to: 3 });
  await eventually(
    'the replica to have the table',
    async () => apply.execute(`select 1 from information_schema.tables where table_name = 'replicated'`),
    (rows: unknown[]) => rows.length > 0,
  );
  await meter.until(throttle, 0);
  const locker = await open(replica);
  await locker.em.transactional(async (em) => {
    await em.getConnection().execute('select * from app.replicated', [], 'all', em.getTransactionContext());
    // The metadata lock of this transaction holds the applier up.
    await write.execute('alter table app.replicated add column touched int');
    const { reason } = await meter.until(throttle, 1);
    expect(reason).toMatch(/^replication lag \d+\.0 s$/);
  });
  await locker.close(true);
  await meter.until(throttle, 0);
  await apply.execute('stop slave');
  await expect(meter.measure(throttle)).rejects.toThrow('one that has stopped');
});
