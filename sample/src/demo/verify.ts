import { Client } from 'pg';
import type { DirectoryServer } from '../directory-service/directory.server.js';
import type { MessageCipher } from '../reencrypt-messages/message.cipher.js';
import { messageText } from './message-text.js';

/** What the tables say after a backfill, whatever its status says. */
export interface TableCheck {
  readonly rows: number;
  readonly left: number;
  /** Rows that were written more than once. */
  readonly twice: number;
  /** Rows whose content is not what it should be. */
  readonly wrong: number;
}

const MESSAGES_AT_ONCE = 10_000;

/** Looks at every row with SQL of its own, and at every message with the new key. */
export async function verify(
  databaseUrl: string,
  cipher: MessageCipher,
  directory: DirectoryServer,
): Promise<Record<string, TableCheck>> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const messages = await checkTable(client, 'messages', `key_id <> '${cipher.keys.current.id}'`, 'false');
    const orders = await checkTable(client, 'orders', 'shape <> 2', WRONG_ORDER);
    const accounts = await checkTable(client, 'accounts', 'enriched_at is null', WRONG_ACCOUNT);
    return {
      'reencrypt-messages': { ...messages, wrong: await unreadable(client, cipher, messages.rows) },
      'restructure-orders': orders,
      // Nothing was aborted while it ran, so each account was asked about exactly once.
      'enrich-accounts': { ...accounts, twice: accounts.twice + Math.abs(directory.calls - accounts.rows) },
    };
  } finally {
    await client.end();
  }
}

/** The total of an order is its lines', and nothing flat is left. */
const WRONG_ORDER = `
  document ? 'customer_name' or document #>> '{customer,address,postalCode}' is null
    or (document ->> 'totalCents')::int is distinct from (
      select sum((line ->> 'quantity')::int * (line ->> 'unitCents')::int)
        from jsonb_array_elements(document -> 'lines') as line)`;

const WRONG_ACCOUNT = `company is null or industry is null or employees is null`;

async function checkTable(client: Client, table: string, left: string, wrong: string): Promise<TableCheck> {
  const { rows } = await client.query<TableCheck>(
    `select count(*)::int as rows,
            count(*) filter (where ${left})::int as left,
            count(*) filter (where rewrites > 1)::int as twice,
            count(*) filter (where ${wrong})::int as wrong
       from ${table}`,
  );
  const [found] = rows;
  if (!found) {
    throw new Error(`Expected counts of ${table}, got none`);
  }
  return found;
}

/** Messages that do not say what they said before, read with the new key. */
async function unreadable(client: Client, cipher: MessageCipher, rows: number): Promise<number> {
  let wrong = 0;
  for (let from = 1; from <= rows; from += MESSAGES_AT_ONCE) {
    const page = await client.query<{ id: string; body: Buffer }>(
      'select id, body from messages where id between $1 and $2',
      [from, from + MESSAGES_AT_ONCE - 1],
    );
    wrong += page.rows.filter((row) => !reads(cipher, BigInt(row.id), row.body)).length;
  }
  return wrong;
}

function reads(cipher: MessageCipher, id: bigint, body: Buffer): boolean {
  try {
    return cipher.open({ id, keyId: cipher.keys.current.id, body }).equals(messageText(id));
  } catch {
    return false;
  }
}
