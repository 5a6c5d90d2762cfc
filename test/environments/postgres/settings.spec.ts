import { Client } from 'pg';
import { CREATE_ROWS, createEnvironmentBench, environment, fillRows, type Query } from '../support/index.js';

/** A short form: what these settings change, they change for each row. */
const ROWS = 10_000;

const bench = await createEnvironmentBench();
const { name, url } = bench.database;
const query: Query = (sql, values) => bench.database.query(sql, values);

/** Settings of the database, which each connection of an app begins with. */
async function set(settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [setting, value] of Object.entries(settings)) {
    await query(`ALTER DATABASE ${name} SET ${setting} = '${value}'`);
  }
}

afterEach(() => query(`ALTER DATABASE ${name} RESET ALL`));

/** Locks rows that the run has not come to, for longer than `lock_timeout`. */
async function lockRows(): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await client.query(`SELECT FROM environment_rows WHERE id % 500 = 0 AND times = 0 FOR UPDATE`);
    await client.query('SELECT pg_sleep(1.2)');
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

environment('PostgreSQL with timeouts', async () => {
  await set({
    statement_timeout: '2s',
    lock_timeout: '500ms',
    idle_in_transaction_session_timeout: '2s',
  });
  await bench.run({ rows: ROWS, during: lockRows });
});

environment('PostgreSQL with serializable transactions', async () => {
  await set({ default_transaction_isolation: 'serializable' });
  await bench.run({ rows: ROWS, handler: 'batch', during: lockRows });
});

environment('a pool of one connection', async () => {
  await bench.run({ rows: ROWS, handler: 'batch', database: { url, options: { pool: { min: 0, max: 1 } } } });
});

environment('a pool of two connections', async () => {
  await bench.run({ rows: ROWS, database: { url, options: { pool: { min: 0, max: 2 } } } });
});

environment('a schema that is not public', async () => {
  const rows: Query = (sql, values) =>
    query(sql.replaceAll('environment_rows', 'app.environment_rows'), values);
  await bench.run({
    rows: ROWS,
    handler: 'batch',
    database: { url, options: { schema: 'app' } },
    query: rows,
    prepare: async () => {
      await query('DROP TABLE IF EXISTS environment_rows; CREATE SCHEMA app');
      await rows(CREATE_ROWS);
      await fillRows(rows, ROWS);
    },
  });
});

environment('a partitioned table', async () => {
  await bench.run({
    rows: ROWS,
    handler: 'batch',
    prepare: async () => {
      await query('DROP TABLE IF EXISTS environment_rows');
      await query(`${CREATE_ROWS} PARTITION BY RANGE (id)`);
      await query(
        `CREATE TABLE part_1 PARTITION OF environment_rows FOR VALUES FROM (0) TO (3050);
         CREATE TABLE part_2 PARTITION OF environment_rows FOR VALUES FROM (3050) TO (${ROWS - 50});
         CREATE TABLE part_3 PARTITION OF environment_rows DEFAULT`,
      );
      await fillRows(query, ROWS);
    },
  });
});

environment('row-level security', async () => {
  const role = `worker_${bench.redis.prefix.replaceAll('-', '_')}`;
  const own = new URL(url);
  own.username = role;
  const visible: Query = (sql, values) => query(sql.replaceAll('environment_rows', 'visible_rows'), values);
  try {
    await bench.run({
      rows: ROWS,
      database: { url: own.href },
      query: visible,
      prepare: async () => {
        await query('DROP TABLE IF EXISTS environment_rows CASCADE');
        await query(CREATE_ROWS);
        await fillRows(query, 2 * ROWS);
        await query(
          `CREATE VIEW visible_rows AS SELECT * FROM environment_rows WHERE id <= ${ROWS};
           CREATE ROLE ${role} LOGIN PASSWORD '${own.password || 'none'}';
           GRANT SELECT, UPDATE ON environment_rows TO ${role};
           ALTER TABLE environment_rows ENABLE ROW LEVEL SECURITY;
           CREATE POLICY tenant ON environment_rows TO ${role} USING (id <= ${ROWS})`,
        );
      },
    });
    expect(await query('SELECT FROM environment_rows WHERE times > 0')).toHaveLength(ROWS);
  } finally {
    await query(`DROP OWNED BY ${role}; DROP ROLE ${role}; DROP TABLE environment_rows CASCADE`);
  }
});
