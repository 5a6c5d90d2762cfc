import { Client } from 'pg';
import { startPostgres, type PostgresServer } from '../../support/services/index.js';
import type { Query } from './environment-rows.js';

/** A PostgreSQL of a test, with a connection beside the apps that is made anew where the server has ended it. */
export interface OwnPostgres extends PostgresServer {
  readonly query: Query;
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const server = await startPostgres({ inMemory: true });
  const query: Query = async (sql, values = []) => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    try {
      return (await client.query(sql, [...values])).rows as never;
    } finally {
      await client.end();
    }
  };
  return Object.defineProperty(server, 'query', { value: query }) as OwnPostgres;
}
