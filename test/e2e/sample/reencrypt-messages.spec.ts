import { MessageCipher } from '../../../sample/src/reencrypt-messages/message.cipher.js';
import { startSample } from './start-sample.js';

const NAME = 'reencrypt-messages';

const { app, database, backfills, run, over } = await startSample();
const cipher = app.get(MessageCipher, { strict: false });
const { retiring, current } = cipher.keys;

interface Row {
  readonly id: string;
  readonly key_id: string;
  readonly body: Buffer;
  readonly rewrites: number;
}

const text = (id: bigint) => Buffer.from(`message ${id}`);
const table = () => database.query<Row>('select id, key_id, body, rewrites from messages order by id');
const reads = ({ id, key_id, body }: Row) =>
  cipher.open({ id: BigInt(id), keyId: key_id, body }).equals(text(BigInt(id)));

async function fill(ids: readonly bigint[], keyId: string): Promise<void> {
  const bodies = ids.map((id) => cipher.seal(id, text(id), keyId));
  await database.query(
    'insert into messages (id, key_id, body) select id, $1, body from unnest($2::bigint[], $3::bytea[]) as s (id, body)',
    [keyId, ids, bodies],
  );
}

const past2to53 = (count: number) =>
  Array.from({ length: count }, (_, i) => 9_007_199_254_740_990n + BigInt(i));

beforeEach(() => database.query('truncate messages'));

describe('reencrypt-messages', () => {
  it('moves every message to the current key, once, whatever the size of its id', async () => {
    await fill(past2to53(1_000), retiring.id);
    expect(await run(NAME, { batchSize: 64 })).toMatchObject({
      state: 'completed',
      rowsDone: 1_000,
      failed: 0,
    });
    const rows = await table();
    expect(rows.filter(({ key_id, rewrites }) => key_id === current.id && rewrites === 1)).toHaveLength(
      1_000,
    );
    expect(rows.filter(reads)).toHaveLength(1_000);
  });

  it('leaves alone what the app has written with the current key meanwhile', async () => {
    const ids = past2to53(400);
    await fill(ids.slice(0, 100), retiring.id);
    await fill(ids.slice(100), current.id);
    expect(await run(NAME)).toMatchObject({ state: 'completed', rowsDone: 100 });
    expect((await table()).map(({ rewrites }) => rewrites)).toEqual(ids.map((_, i) => (i < 100 ? 1 : 0)));
  });

  it('does nothing a second time', async () => {
    await fill(past2to53(300), retiring.id);
    await run(NAME);
    expect(await run(NAME)).toMatchObject({ state: 'completed', rowsDone: 0 });
    expect((await table()).every(({ rewrites }) => rewrites === 1)).toBe(true);
  });

  it('touches nothing in a dry run', async () => {
    await fill(past2to53(300), retiring.id);
    expect(await run(NAME, {}, { dryRun: true })).toMatchObject({ state: 'completed', rowsDone: 300 });
    expect((await table()).every(({ key_id, rewrites }) => key_id === retiring.id && rewrites === 0)).toBe(
      true,
    );
  });

  it('keeps the one message that was tampered with as a failure, and takes it back once it is mended', async () => {
    const ids = past2to53(200);
    await fill(ids, retiring.id);
    const [bad = 0n] = ids.slice(77);
    const [{ body: good } = { body: Buffer.alloc(0) }] = await database.query<Row>(
      'select body from messages where id = $1',
      [bad],
    );
    await database.query(
      `update messages set body = set_byte(body, 30, get_byte(body, 30) # 1) where id = $1`,
      [bad],
    );

    expect(await run(NAME, { batchSize: 50, attempts: 2 })).toMatchObject({
      state: 'failed',
      rowsDone: 199,
      rowsFailed: 1,
    });
    const { items } = await backfills.failures(NAME);
    expect(items).toMatchObject([
      { kind: 'row', error: { message: expect.stringContaining('authenticate') } },
    ]);
    expect(JSON.stringify(items[0]?.key)).toContain(`${bad}`);

    await database.query('update messages set body = $2 where id = $1', [bad, good]);
    await expect(backfills.retryFailures(NAME)).resolves.toMatchObject({ retried: 1 });
    expect(await over(NAME)).toMatchObject({ state: 'completed', rowsDone: 200, rowsFailed: 0 });
    expect((await table()).filter(reads)).toHaveLength(200);
  });
});
