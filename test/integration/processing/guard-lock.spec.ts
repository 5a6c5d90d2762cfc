import { keyset } from 'nestjs-backfill';
import type { BackfillContext, BackfillSource } from 'nestjs-backfill';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { createAppBench, defineBackfill, eventually } from '../../support/apps/index.js';
import { Doc, DocSchema } from './doc.entity.js';

const ROWS = 60;

const bench = await createAppBench();
await bench.database.query('CREATE TABLE docs (id int PRIMARY KEY, shape int NOT NULL, body jsonb NOT NULL)');

beforeEach(async () => {
  await bench.database.query('TRUNCATE docs');
  await bench.database.query(
    `INSERT INTO docs SELECT g, 1, '{"hits": 0}' FROM generate_series(1, ${ROWS}) g`,
  );
});

const INCREMENT = `UPDATE docs SET body = jsonb_set(body, '{hits}', to_jsonb((body->>'hits')::int + 1)) WHERE id = $1`;
const source = keyset(DocSchema, { orderBy: { id: 'asc' }, where: { shape: 1 } }) as never;
const config = { batchSize: 20, perSecondOnPeak: null, perSecondOffPeak: null, attempts: 1 };

/** A source whose rows something is done to between the statement that loads them and the one that locks them. */
function disturbed(disturb: () => Promise<unknown>): BackfillSource<never, Doc> {
  const undisturbed = source as BackfillSource<never, Doc>;
  let done = false;
  return Object.assign(Object.create(undisturbed) as BackfillSource<never, Doc>, {
    load: async (...args: Parameters<NonNullable<BackfillSource['load']>>) => {
      const rows = await undisturbed.load?.(...(args as unknown as [never, never, never]));
      if (!done) {
        done = true;
        await disturb();
      }
      return rows;
    },
  });
}

async function run(
  processBatch: (docs: Doc[], context: BackfillContext) => unknown,
  from: BackfillSource<never, Doc> = source,
) {
  const handler = defineBackfill<never, Doc>({
    name: 'reshape',
    source: from,
    guard: 'lock',
    config,
    processBatch: async (docs: Doc[], context: BackfillContext) => {
      await processBatch(docs, context);
      for (const doc of docs) {
        doc.shape = 2;
        doc.body = { ...doc.body, form: 'new' };
      }
    },
  });
  const { backfills, finished, logs } = await bench.start({ handlers: [handler], entities: [DocSchema] });
  await backfills.start('reshape');
  const status = await finished('reshape', 60_000);
  const { items: failures } = await backfills.failures('reshape', { limit: 10 });
  return { status, failures, backfills, logs };
}

async function rowOf(id: number) {
  const [row] = await bench.database.query<{ shape: number; body: Doc['body'] }>(
    `SELECT shape, body FROM docs WHERE id = ${id}`,
  );
  return row;
}

const COMPLETED = { state: 'completed', rowsDone: ROWS, failures: [] };

describe('the guard lock', () => {
  it('has writes of the app wait until the batch is done', async () => {
    const app = new Client({ connectionString: bench.database.url });
    await app.connect();
    const writes: Promise<unknown>[] = [];
    let during: Doc['body'] | undefined;
    const { status, failures } = await run(async (docs, { em }) => {
      if (docs[0]?.id === 1) {
        writes.push(app.query(INCREMENT, [7]));
        // The write is on its way to the database: it waits for the lock there.
        await eventually(
          'the write to wait for the lock',
          () =>
            bench.database.query(
              `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'UPDATE docs%'`,
            ),
          (waiting) => waiting.length > 0,
        );
        during = (
          await em.getConnection().execute<{ body: Doc['body'] }[]>('SELECT body FROM docs WHERE id = 7')
        )[0]?.body;
      }
    });
    await Promise.all(writes);
    await app.end();
    expect({ ...status, failures }).toMatchObject(COMPLETED);
    expect(during).toEqual({ hits: 0 });
    expect(await rowOf(7)).toEqual({ shape: 2, body: { hits: 1, form: 'new' } });
  });

  it('gives the handler what others wrote before the rows were locked', async () => {
    const seen = new Map<number, number>();
    const { status, failures } = await run(
      (docs) => docs.forEach(({ id, body: { hits } }) => seen.set(id, hits)),
      disturbed(async () => {
        await bench.database.query(INCREMENT, [7]);
        await bench.database.query('UPDATE docs SET shape = 3 WHERE id = 8');
        await bench.database.query('DELETE FROM docs WHERE id = 9');
      }),
    );
    expect({ ...status, failures }).toMatchObject(COMPLETED);
    expect([seen.get(7), seen.has(8), seen.has(9), seen.get(10)]).toEqual([1, false, false, 0]);
    expect(await rowOf(7)).toEqual({ shape: 2, body: { hits: 1, form: 'new' } });
    expect(await rowOf(8)).toEqual({ shape: 3, body: { hits: 0 } });
    expect(await rowOf(9)).toBeUndefined();
  });

  it('comes back to a row that somebody else holds, without waiting for it and without an attempt', async () => {
    const stranger = new Client({ connectionString: bench.database.url });
    await stranger.connect();
    await stranger.query('BEGIN');
    await stranger.query('SELECT * FROM docs WHERE id = 7 FOR UPDATE');
    const released = sleep(2_000).then(() => stranger.query('COMMIT'));
    const attempts = new Set<number>();
    const { status, failures } = await run((_, { attempt }) => attempts.add(attempt));
    await released;
    await stranger.end();
    expect({ ...status, failures }).toMatchObject(COMPLETED);
    expect([...attempts]).toEqual([1]);
    expect(await rowOf(7)).toEqual({ shape: 2, body: { hits: 0, form: 'new' } });
  });

  it('writes nothing of a batch whose handler throws, and holds no transaction after it', async () => {
    const { status, failures } = await run(async (docs, { em }) => {
      if (docs.some(({ id }) => id === 7)) {
        docs.forEach((doc) => (doc.shape = 2));
        await em.flush();
        throw new Error('row 7 is broken');
      }
    });
    expect(status).toMatchObject({ state: 'failed', rowsDone: ROWS - 1, rowsFailed: 1 });
    expect(failures).toMatchObject([{ key: 7, error: { message: 'row 7 is broken' } }]);
    expect(await rowOf(7)).toEqual({ shape: 1, body: { hits: 0 } });
    const [{ open } = { open: -1 }] = await bench.database.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
    );
    expect(open).toBe(0);
  });

  it('tells what the server ended for its time from what an administrator ended', async () => {
    const attempts = new Set<number>();
    let terminated = false;
    const { status, failures, logs } = await run(async (docs, { em, attempt }) => {
      const has = (id: number) => docs.some((doc) => doc.id === id);
      const sql = em as SqlEntityManager;
      const execute = (statement: string) => sql.execute<{ pid: number }[]>(statement);
      const [{ pid } = { pid: 0 }] = await execute('SELECT pg_backend_pid() AS pid');
      const ended = () =>
        eventually(
          'the session to end',
          () => bench.database.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid]),
          (sessions) => sessions.length === 0,
        );
      if (has(7)) {
        await execute('SET idle_in_transaction_session_timeout = 20');
        await ended();
      } else if (has(27)) {
        attempts.add(attempt);
        if (!terminated) {
          terminated = true;
          await bench.database.query('SELECT pg_terminate_backend($1)', [pid]);
          await ended();
        }
      } else if (has(47)) {
        await execute('SET LOCAL statement_timeout = 20');
        await execute('SELECT pg_sleep(60)');
      }
    });
    expect(status).toMatchObject({ state: 'failed', rowsDone: ROWS - 2, rowsFailed: 2 });
    expect(failures.toSorted((a, b) => Number(a.key) - Number(b.key))).toMatchObject([
      {
        key: 7,
        error: {
          name: 'IdleTransactionError',
          message: expect.stringMatching(
            /"reshape".*idle_in_transaction_session_timeout.*batchSize.*guard "recheck"/,
          ),
        },
      },
      { key: 47, error: { message: expect.stringContaining('statement timeout') } },
    ]);
    expect([...attempts]).toEqual([1]);
    expect(logs.lines.filter((line) => line.includes('unreachable, until'))).toEqual([
      expect.stringContaining('terminating connection due to administrator command'),
    ]);
    expect(await rowOf(7)).toEqual({ shape: 1, body: { hits: 0 } });
  });

  it.each([
    ['row', { processRow: () => undefined }, /batch handler.*got a row handler.*processBatch/],
    ['range', { processRange: () => undefined }, /batch handler.*got a range handler.*Leave it out/],
  ])('is refused for a %s handler', async (_, handler, message) => {
    const started = bench.start({
      handlers: [defineBackfill<never, Doc>({ name: 'reshape', source, guard: 'lock', ...handler })],
      entities: [DocSchema],
    });
    await expect(started).rejects.toMatchObject({
      code: 'BACKFILL_DEFINITION_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('warns in the preview once batches take longer than a second', async () => {
    const { backfills } = await run(async (docs) => {
      if (docs[0]?.id === 1) {
        await sleep(1_100);
      }
    });
    const { warnings } = await eventually(
      'a warning',
      () => backfills.preview('reshape'),
      (preview) => preview.warnings.length > 0,
    );
    expect(warnings).toMatchObject([
      {
        code: 'LONG_LOCKS',
        message: expect.stringMatching(/^[1-3] of 3 batches .*longer than a second.*Lower batchSize/),
      },
    ]);
  });

  it('writes nothing in a dry run', async () => {
    const handler = defineBackfill<never, Doc>({
      name: 'reshape',
      source,
      guard: 'lock',
      config,
      processBatch: (docs: Doc[]) => docs.forEach((doc) => (doc.shape = 2)),
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities: [DocSchema] });
    await backfills.start('reshape', { dryRun: true });
    expect(await finished('reshape')).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await rowOf(7)).toEqual({ shape: 1, body: { hits: 0 } });
  });
});
