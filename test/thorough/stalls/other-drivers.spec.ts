import { MikroORM as MariadbOrm } from '@mikro-orm/mariadb';
import { MikroORM as SqliteOrm } from '@mikro-orm/libsql';
import { EntityManagers } from '../../../lib/database/entity-managers.js';
import { LibraryConnections } from '../../../lib/database/library-connections.js';
import { mysqlLocks } from '../../../lib/stalls/locks/mysql-locks.js';
import { LockWaitReader } from '../../../lib/stalls/locks/lock-wait.reader.js';
import { eventually } from '../../support/apps/index.js';
import { startMariadb, type MariadbServer } from '../../support/services/mariadb.js';

type Orm = ConstructorParameters<typeof EntityManagers>[0];

const readerOf = (orm: unknown) =>
  new LockWaitReader(new EntityManagers(orm as Orm), new LibraryConnections(orm as Orm));
const settings = { entities: [], discovery: { warnWhenNoEntities: false } };

describe('the locks of MariaDB', () => {
  let server: MariadbServer;
  let orm: MariadbOrm;

  beforeAll(async () => {
    server = await startMariadb();
    orm = await MariadbOrm.init({ clientUrl: server.url, dbName: 'mysql', ...settings });
    await orm.em.getConnection().execute('create database shop');
    await orm.close(true);
    orm = await MariadbOrm.init({ clientUrl: server.url, dbName: 'shop', ...settings });
  });
  afterAll(async () => {
    await orm.close(true);
    await server.stop();
  });

  it('are those that sessions of the account wait for, with who holds each, by a statement that the server ends', async () => {
    const connection = orm.em.getConnection();
    await connection.execute('create database if not exists sys');
    await connection.execute('create table items (id int primary key, state text)');
    await connection.execute(`insert into items values (1, 'new')`);
    const holder = orm.em.fork();
    await holder.begin();
    await holder.execute(`update items set state = 'seen' where id = 1`);
    const [{ pid } = { pid: 0 }] = await holder.execute<{ pid: number }[]>('select connection_id() as pid');
    const waiting = orm.em.fork().execute(`update items set state = 'secret' where id = 1`);
    const reading = await eventually(
      'the wait',
      () => readerOf(orm).read(null),
      ({ waits, problem }) => problem !== null || waits.length > 0,
    );
    expect(reading).toMatchObject({
      problem: null,
      areOwn: false,
      waits: [
        {
          relation: 'shop.items',
          lock: 'row',
          query: 'update items set state = ? where id = ?',
          blockedBy: [{ pid: pid, state: 'Sleep' }],
        },
      ],
    });
    // A view with the names of that of MySQL; the limit of the statement is a comment here.
    await connection.execute(`create view sys.innodb_lock_waits as
      select w.requesting_trx_id as waiting_trx_id, w.blocking_trx_id as blocking_trx_id,
        l.lock_mode as waiting_lock_mode, l.lock_table as locked_table, l.lock_type as locked_type
      from information_schema.innodb_lock_waits w
      join information_schema.innodb_locks l on l.lock_id = w.requested_lock_id`);
    const ofMysql: unknown[] = await connection.execute(mysqlLocks('8.0.36', 2_000));
    expect(ofMysql).toMatchObject([
      { relation: '`shop`.`items`', locktype: 'RECORD', mode: 'X', blocking_pid: pid, command: 'Sleep' },
    ]);
    const slow = mysqlLocks('11.8.3-MariaDB', 50).replace('select ', 'select sleep(600), ');
    await expect(connection.execute(slow)).rejects.toThrow(/max_statement_time/);
    await holder.rollback();
    await waiting;
  });
});

it('a database that cannot tell who waits for locks is said to be one', async () => {
  const orm = await SqliteOrm.init({ dbName: ':memory:', ...settings });
  expect(await readerOf(orm).read(null)).toEqual({
    waits: [],
    areOwn: false,
    problem: 'the driver of this database cannot tell who waits for locks',
  });
  await orm.close(true);
});
