import { randomBytes } from 'node:crypto';
import { Client, type QueryResultRow } from 'pg';
import { serviceUrl } from './environment.js';
import { expectNoConnections, onFileFinished } from './release.js';

const OWN_NAME = 'nestjs-backfill test helper';

export interface TestDatabase {
  readonly name: string;
  /** Goes to MikroORM's `clientUrl`. */
  readonly url: string;
  /** Runs SQL beside the app. This connection does not count as a leak. */
  query<T extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<T[]>;
}

/**
 * Creates an empty database, dropped when the file has finished. A connection to it that is left open then
 * fails the file.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `backfill_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await administer(`CREATE DATABASE ${name}`);
  const url = serviceUrl('DATABASE_URL');
  url.pathname = `/${name}`;
  const client = new Client({ connectionString: url.href, application_name: OWN_NAME });
  client.on('error', () => {});
  await client.connect();

  const query = async <T extends QueryResultRow>(sql: string, values: readonly unknown[] = []) =>
    (await client.query<T>(sql, [...values])).rows;
  onFileFinished(async () => {
    try {
      await expectNoConnections(`database ${name}`, async () => {
        const rows = await query<{ connection: string }>(
          `SELECT format('%s (pid %s, %s): %s', application_name, pid, state, query) AS connection
             FROM pg_stat_activity
            WHERE datname = $1 AND backend_type = 'client backend' AND application_name <> $2`,
          [name, OWN_NAME],
        );
        return rows.map((row) => row.connection);
      });
    } finally {
      await client.end();
      await administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    }
  });
  return { name, url: url.href, query };
}

async function administer(sql: string): Promise<void> {
  const client = new Client({
    connectionString: serviceUrl('DATABASE_URL').href,
    application_name: OWN_NAME,
  });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
