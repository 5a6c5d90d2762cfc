import { Client } from 'pg';
import type { Service } from '../../test/support/services/index.js';

/** What belongs to somebody else is left as it was found. */
export interface Borrowed {
  readonly url: string;
  giveBack(): Promise<void>;
}

/** The demo never works in a database that it did not make: on a server of somebody else it makes one. */
export async function borrowDatabase({ url, external }: Service, name: string): Promise<Borrowed> {
  if (!external) {
    return { url, giveBack: async () => {} };
  }
  await administer(url, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    url: own.href,
    giveBack: () => administer(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
