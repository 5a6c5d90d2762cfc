import { Redis } from 'ioredis';
import { Client } from 'pg';
import { createTestDatabase, createTestRedis } from '../../support/databases/index.js';
import { expectNoConnections } from '../../support/databases/release.js';

describe('createTestDatabase', () => {
  it('gives an empty database of its own each time', async () => {
    const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await one.query('CREATE TABLE thing (id int)');
    expect(await one.query('SELECT $1::int AS n FROM generate_series(1, 2)', [7])).toEqual([
      { n: 7 },
      { n: 7 },
    ]);
    expect(await other.query("SELECT to_regclass('thing') AS thing")).toEqual([{ thing: null }]);
  });

  it('forgives a connection that closes late', async () => {
    const database = await createTestDatabase();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    setTimeout(() => void client.end(), 500);
  });
});

describe('createTestRedis', () => {
  it('gives an empty logical database of its own each time', async () => {
    const [one, other] = await Promise.all([createTestRedis(), createTestRedis()]);
    expect(one.connection.db).not.toBe(other.connection.db);
    expect(one.prefix).not.toBe(other.prefix);
    const client = new Redis(one.connection);
    await client.set('key', 'value');
    await client.quit();
    expect(await one.client.get('key')).toBe('value');
    expect(await other.client.dbsize()).toBe(0);
  });
});

describe('expectNoConnections', () => {
  it('waits for connections that are being closed', async () => {
    let open = ['late'];
    setTimeout(() => (open = []), 200);
    await expectNoConnections('a server', async () => open);
  });

  it('names those that stay', async () => {
    const failure = expectNoConnections('a server', async () => ['app (pid 1, idle): SELECT 1'], 200);
    await expect(failure).rejects.toThrow(
      /no connection to a server .* got 1\..*\n {2}app \(pid 1, idle\): SELECT 1/,
    );
  });
});
