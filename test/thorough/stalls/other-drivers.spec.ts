import { MikroORM as MariadbOrm } from '@mikro-orm/mariadb';
import { MikroORM as SqliteOrm } from '@mikro-orm/libsql';
import { EntityManagers } from '../../../lib/database/entity-managers.js';
import { LibraryConnections } from '../../../lib/database/library-connections.js';
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

  it('are those that sessions of the account wait for, with the session that holds each', async () => {
    const connection = orm.em.getConnection();
    await connection.execute('create table items (id int primary key, state text)');
    await connection.execute(`insert into items values (1, 'new')`);
    const holder = orm.em.fork();
    await holder.begin();
    await holder.execute(`update items set state = 'seen' where id = 1`);
    const [{ pid } = { pid: 0 }] = await holder.execute<{ pid: number }[]>('select connection_id() as pid');
    const waiting = orm.em.fork().execute(`update items set state = 'secret' where id = 1`);
    const reading = await eventually(
      'the wait',
      () => readerOf(orm).read([]),
      ({ waits, problem }) => problem !== null || waits.length > 0,
    );
    expect(reading).toMatchObject({
      problem: null,
      waits: [
        {
          relation: 'shop.items',
          lock: 'row',
          query: 'update items set state = ? where id = ?',
          blockedBy: [{ pid: pid, state: 'Sleep' }],
        },
      ],
    });
    await holder.rollback();
    await waiting;
  });
});

it('a database that cannot tell who waits for locks is said to be one', async () => {
  const orm = await SqliteOrm.init({ dbName: ':memory:', ...settings });
  expect(await readerOf(orm).read([])).toEqual({
    waits: [],
    problem: 'the driver of this database cannot tell who waits for locks',
  });
  await orm.close(true);
});
