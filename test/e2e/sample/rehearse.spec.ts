import type { RehearsedRow } from 'nestjs-backfill';
import { MessageCipher } from '../../../sample/src/reencrypt-messages/message.cipher.js';
import { startSample } from './start-sample.js';

const { app, database, backfills, run } = await startSample();

const TABLES = ['messages', 'accounts', 'orders'];
const ROWS = 30;

/** The content and the versions of all rows: an update that changes nothing shows, too. */
const checksums = () =>
  Promise.all(
    TABLES.map((table) =>
      database.query(
        `select count(*), md5(string_agg(t::text || xmin::text, '|' order by id)) from ${table} t`,
      ),
    ),
  );
const textsOf = async (table: string) => {
  const columns = await database.query<{ name: string }>(
    `select attname::text as name from pg_attribute where attrelid = '${table}'::regclass and attnum > 0`,
  );
  const rows = await database.query<Record<string, string | null>>(
    `select ${columns.map(({ name }) => `${name}::text as ${name}`).join(', ')} from ${table}`,
  );
  return new Map(rows.map((row) => [row['id'], row]));
};

beforeAll(async () => {
  const cipher = app.get(MessageCipher, { strict: false });
  const bodies = Array.from({ length: 100 }, (_, i) =>
    cipher.seal(BigInt(i + 1), Buffer.from(`message ${i + 1}`), cipher.keys.retiring.id),
  );
  await database.query(
    `insert into messages (id, key_id, body)
     select n, $1, body from unnest($2::bytea[]) with ordinality as sealed (body, n)`,
    [cipher.keys.retiring.id, bodies],
  );
  await database.query(
    `insert into accounts (id, created_at, email)
     select n, now() - n * interval '1 minute', 'a' || n || '@company.test' from generate_series(1, 100) as n`,
  );
  await database.query(
    `insert into orders (id, created_at, shape, document)
     select gen_random_uuid(), now() - n * interval '1 minute', 1,
            jsonb_build_object('customer_name', 'C' || n, 'street', n || ' Harbour Road', 'postal_code', '4000',
              'city', 'Porto', 'country', 'PT', 'line1_sku', 'A', 'line1_quantity', 2, 'line1_price', 9.99)
       from generate_series(1, 100) as n`,
  );
});

/** Rehearses a backfill, proves that no table has changed, and runs it. */
async function rehearsedAndRun(name: string, table: string) {
  const before = await checksums();
  const rehearsal = await backfills.rehearse(name, { rows: ROWS, maxLength: null });
  expect(await checksums()).toEqual(before);
  expect(rehearsal).toMatchObject({ errors: [], committed: null, partial: null });
  expect(rehearsal.rows).toHaveLength(ROWS);
  expect(await run(name)).toMatchObject({ state: 'completed', rowsDone: 100 });
  return { rehearsal, written: await textsOf(table) };
}

/** A row of the table without columns whose values differ from run to run. */
const without = (row: RehearsedRow['after'] | undefined, ...names: string[]) =>
  Object.fromEntries(Object.entries(row ?? {}).filter(([name]) => !names.includes(name)));

describe('a rehearsal of the sample changes no table and shows what a run does', () => {
  it('restructure-orders: each row is that of the run', async () => {
    const { rehearsal, written } = await rehearsedAndRun('restructure-orders', 'orders');
    for (const { after, changed } of rehearsal.rows) {
      expect(changed).toEqual(['shape', 'document', 'rewrites']);
      expect(after).toEqual(written.get(String(after?.['id'])));
    }
  });

  it('reencrypt-messages: each row is that of the run, its random cipher text decrypted', async () => {
    const cipher = app.get(MessageCipher, { strict: false });
    const opened = (row: RehearsedRow['after'] | undefined) => {
      const body = Buffer.from(row?.['body']?.replace(/^\\x/, '') ?? '', 'hex');
      return cipher.open({ id: BigInt(row?.['id'] ?? -1), keyId: row?.['key_id'] ?? '', body }).toString();
    };
    const { rehearsal, written } = await rehearsedAndRun('reencrypt-messages', 'messages');
    for (const { key, after, changed } of rehearsal.rows) {
      expect(changed).toEqual(['key_id', 'body', 'rewrites']);
      const row = written.get(`${Number(key)}`);
      expect(without(after, 'body')).toEqual(without(row, 'body'));
      expect(opened(after)).toBe(`message ${Number(key)}`);
      expect(opened(row)).toBe(opened(after));
    }
  });

  it('enrich-accounts: each row is that of the run but for the time, and its calls are counted', async () => {
    const { rehearsal, written } = await rehearsedAndRun('enrich-accounts', 'accounts');
    for (const { after, changed } of rehearsal.rows) {
      expect(changed).toEqual(['company', 'industry', 'employees', 'enriched_at', 'rewrites']);
      const row = written.get(String(after?.['id']));
      expect(without(after, 'enriched_at')).toEqual(without(row, 'enriched_at'));
    }
    expect(rehearsal).toMatchObject({ untouched: 0, outside: [{ quota: 'enrich-accounts', calls: ROWS }] });
  });
});
