import { setImmediate as nextTurn } from 'node:timers/promises';
import { Client } from 'pg';
import type { MessageCipher } from '../reencrypt-messages/message.cipher.js';
import { messageText } from './message-text.js';

/** How many rows each table gets. */
export const ROWS = { messages: 170_000, orders: 30_000, accounts: 5_000 } as const;

const MESSAGES_AT_ONCE = 5_000;

/** Newest first, in groups of five at the same microsecond, so that the id has to decide. */
const CREATED_AT = `timestamptz '2026-01-01 00:00:00+00' - (n / 5) * interval '37.000123 seconds'`;

/** Fills the tables: rows that need no secret in one statement each, messages encrypted in bulk. */
export async function seed(databaseUrl: string, cipher: MessageCipher, signal: AbortSignal): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await seedMessages(client, cipher, signal);
    await client.query(ORDERS, [ROWS.orders]);
    signal.throwIfAborted();
    await client.query(ACCOUNTS, [ROWS.accounts]);
    await client.query('analyze');
  } finally {
    await client.end();
  }
}

async function seedMessages(client: Client, cipher: MessageCipher, signal: AbortSignal): Promise<void> {
  const { retiring } = cipher.keys;
  for (let from = 1; from <= ROWS.messages; from += MESSAGES_AT_ONCE) {
    signal.throwIfAborted();
    const count = Math.min(MESSAGES_AT_ONCE, ROWS.messages - from + 1);
    const ids = Array.from({ length: count }, (_, i) => BigInt(from + i));
    await client.query(
      `insert into messages (id, key_id, body)
       select id, $1, body from unnest($2::bigint[], $3::bytea[]) as sealed (id, body)`,
      [retiring.id, ids, ids.map((id) => cipher.seal(id, messageText(id), retiring.id))],
    );
    await nextTurn();
  }
}

const ORDERS = `
  insert into orders (id, created_at, shape, document)
  select gen_random_uuid(), ${CREATED_AT}, 1, jsonb_build_object(
           'customer_name', 'Customer ' || n,
           'street', n || ' Harbour Road',
           'postal_code', lpad((n % 100000)::text, 5, '0'),
           'city', (array['Porto', 'Gdansk', 'Cork', 'Trieste'])[1 + n % 4],
           'country', (array['PT', 'PL', 'IE', 'IT'])[1 + n % 4],
           'line1_sku', 'SKU-' || n % 997, 'line1_quantity', 1 + n % 5, 'line1_price', 5 + (n % 100) / 10.0
         ) || case when n % 2 = 0 then '{}'::jsonb else jsonb_build_object(
           'line2_sku', 'SKU-' || n % 499, 'line2_quantity', 1 + n % 3, 'line2_price', 9.99
         ) end
    from generate_series(1, $1::int) as n`;

const ACCOUNTS = `
  insert into accounts (id, created_at, email)
  select n, ${CREATED_AT}, 'office@company-' || n || '.example'
    from generate_series(1, $1::int) as n`;
