import { EntitySchema, RequestContext } from '@mikro-orm/core';
import { keyset } from 'nestjs-backfill';
import type { BackfillContext, BackfillGuard, BackfillOptions, BackfillService } from 'nestjs-backfill';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { createAppBench, defineBackfill, eventually } from '../../support/apps/index.js';
import { Doc, DocSchema } from './doc.entity.js';

const ROWS = 200;

class Note {
  id!: number;
  doc!: number;
}

const NoteSchema = new EntitySchema<Note>({
  class: Note,
  tableName: 'notes',
  properties: { id: { type: 'integer', primary: true, autoincrement: true }, doc: { type: 'integer' } },
});

const bench = await createAppBench();
await bench.database.query('CREATE TABLE notes (id serial PRIMARY KEY, doc int NOT NULL)');
await bench.database.query('CREATE TABLE docs (id int PRIMARY KEY, shape int NOT NULL, body jsonb NOT NULL)');

beforeEach(async () => {
  await bench.database.query('TRUNCATE docs');
  await bench.database.query(
    `INSERT INTO docs SELECT g, 1, '{"hits": 0}' FROM generate_series(1, ${ROWS}) g`,
  );
});

/** An app that increments the counters of random documents until it is stopped; answers how often it did. */
function startApp(): { increment: (id: number) => Promise<void>; stop: () => Promise<number> } {
  const state = { stopped: false };
  let increments = 0;
  const increment = async (id: number) => {
    await bench.database.query(
      `UPDATE docs SET body = jsonb_set(body, '{hits}', to_jsonb((body->>'hits')::int + 1)) WHERE id = $1`,
      [id],
    );
    increments++;
  };
  const write = async () => {
    while (!state.stopped) {
      await increment(1 + Math.floor(Math.random() * ROWS));
    }
  };
  const writers = [write(), write()];
  return {
    increment,
    stop: async () => {
      state.stopped = true;
      await Promise.all(writers);
      return increments;
    },
  };
}

async function lostIncrements(guard: BackfillGuard, shape: 'batch' | 'row'): Promise<number> {
  const met: { app?: ReturnType<typeof startApp>; readonly ids: Set<number> } = { ids: new Set() };
  // One write for sure between the load of a row and its flush, however busy the machine is.
  const meet = async ({ id }: Doc) => {
    if (!met.ids.has(id)) {
      met.ids.add(id);
      await met.app?.increment(id);
    }
  };
  const reshape = (doc: Doc) => {
    doc.body = { ...doc.body, form: 'new' };
    doc.shape = 2;
  };
  const handler = defineBackfill<never, Doc>({
    name: 'reshape',
    source: keyset(DocSchema, { orderBy: { id: 'asc' }, where: { shape: 1 } }),
    guard,
    config: { batchSize: 20, perSecondOnPeak: null, perSecondOffPeak: null, rowConcurrency: 5 },
    ...(shape === 'batch'
      ? {
          processBatch: async (docs: Doc[]) => {
            await sleep(30);
            await Promise.all(docs.slice(0, 3).map(meet));
            docs.forEach(reshape);
          },
        }
      : {
          processRow: async (doc: Doc) => {
            const { body } = doc;
            await sleep(10);
            await (doc.id % 10 === 0 ? meet(doc) : undefined);
            doc.body = body;
            reshape(doc);
          },
        }),
  });
  const { backfills, finished } = await bench.start({ handlers: [handler], entities: [DocSchema] });
  const app = (met.app = startApp());
  await backfills.start('reshape');
  const status = await finished('reshape');
  const increments = await app.stop();
  const { items: failures } = await backfills.failures('reshape', { limit: 1 });
  expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
  const [row] = await bench.database.query<{ hits: number; old: number }>(
    `SELECT sum((body->>'hits')::int)::int AS hits, count(*) FILTER (WHERE body->>'form' IS NULL)::int AS old FROM docs`,
  );
  expect(row?.old).toBe(0);
  return increments - (row?.hits ?? 0);
}

describe.each(['batch', 'row'] as const)('a %s handler beside an app that writes the same rows', (shape) => {
  it('loses no write of the app with the guard recheck', async () => {
    expect(await lostIncrements('recheck', shape)).toBe(0);
  });

  it('loses no write with a guard of the columns that it writes', async () => {
    expect(await lostIncrements({ columns: ['body'] }, shape)).toBe(0);
  });

  it('loses writes without a guard', async () => {
    expect(await lostIncrements('none', shape)).toBeGreaterThan(0);
  });
});

describe.each(['batch', 'row'] as const)('the guard of a %s handler', (shape) => {
  const options = {
    name: 'reshape',
    source: keyset(DocSchema, { orderBy: { id: 'asc' }, where: { shape: 1 } }),
    config: { batchSize: 50, perSecondOnPeak: null, perSecondOffPeak: null, rowConcurrency: 50 },
  };

  /** Runs a handler that reshapes documents and, once for each row, does something else before that. */
  async function run(
    beside: (doc: Doc, context: BackfillContext, times: number) => Promise<unknown> | void,
    extra: Partial<BackfillOptions> = {},
    meanwhile: (backfills: BackfillService) => Promise<unknown> = () => Promise.resolve(),
  ) {
    const times = new Map<number, number>();
    const handle = async (doc: Doc, context: BackfillContext) => {
      const count = (times.get(doc.id) ?? 0) + 1;
      times.set(doc.id, count);
      doc.shape = 2;
      doc.body = { ...doc.body, form: 'new' };
      await beside(doc, context, count);
    };
    const handler = defineBackfill<never, Doc>({
      ...options,
      ...extra,
      ...(shape === 'row'
        ? { processRow: handle }
        : {
            processBatch: async (docs: Doc[], context: BackfillContext) => {
              for (const doc of docs) {
                await handle(doc, context);
              }
            },
          }),
    });
    const { backfills, finished } = await bench.start({
      handlers: [handler],
      entities: [DocSchema, NoteSchema],
    });
    await backfills.start('reshape');
    await meanwhile(backfills);
    const status = await finished('reshape');
    const { items: failures } = await backfills.failures('reshape', { limit: 10 });
    return { times, status, failures };
  }
  const bodyOf = async (id: number) =>
    (
      await bench.database.query<{ shape: number; body: Doc['body'] }>(
        `SELECT shape, body FROM docs WHERE id = ${id}`,
      )
    )[0];

  it('leaves a row alone that was deleted meanwhile', async () => {
    const { status, failures } = await run(async ({ id }) => {
      if (id === 7) {
        await bench.database.query('DELETE FROM docs WHERE id = 7');
      }
    });
    expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    expect(await bodyOf(7)).toBeUndefined();
    expect(await bodyOf(8)).toMatchObject({ shape: 2, body: { form: 'new' } });
  });

  it('leaves a row alone that no longer matches the source', async () => {
    const { times, status, failures } = await run(async ({ id }) => {
      if (id === 7) {
        await bench.database.query(`UPDATE docs SET shape = 3, body = '{"hits": 9}' WHERE id = 7`);
      }
    });
    expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    expect(await bodyOf(7)).toEqual({ shape: 3, body: { hits: 9 } });
    expect(times.get(7)).toBe(1);
  });

  it('gives a row that others wrote to the handler again, as they left it, without an attempt', async () => {
    const { times, status, failures } = await run(async ({ id }, { attempt }, count) => {
      expect(attempt).toBe(1);
      if (id === 7 && count <= 3) {
        await bench.database.query(`UPDATE docs SET body = '{"hits": ${count}}' WHERE id = 7`);
      }
    });
    expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    expect(await bodyOf(7)).toEqual({ shape: 2, body: { hits: 3, form: 'new' } });
    expect([times.get(7), times.get(8)]).toEqual([4, 1]);
    expect(status.rowsRechecked).toBe(3);
  });

  it('counts no row as handled again when nobody else writes', async () => {
    const { status } = await run(() => undefined);
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsRechecked: 0 });
  });

  it('sees what a subtransaction wrote before the rows were loaded and committed after that', async () => {
    const stranger = new Client({ connectionString: bench.database.url });
    await stranger.connect();
    await stranger.query('BEGIN');
    await stranger.query('SELECT txid_current()');
    await stranger.query('SAVEPOINT before');
    await stranger.query(`UPDATE docs SET body = '{"hits": 5}' WHERE id = 7`);
    await stranger.query('RELEASE before');
    // A later transaction that ends moves the snapshot of the database past the open one.
    await bench.database.query('INSERT INTO notes (doc) VALUES (0)');
    const { status, failures } = await run(async ({ id }, _, count) => {
      if (id === 7 && count === 1) {
        await stranger.query('COMMIT');
      }
    });
    await stranger.end();
    expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    expect(await bodyOf(7)).toEqual({ shape: 2, body: { hits: 5, form: 'new' } });
  });

  it('takes what a trigger makes of a flush of the handler for no write of others', async () => {
    await bench.database.query(`
      CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN NEW.body = NEW.body || jsonb_build_object('stamps', coalesce((OLD.body->>'stamps')::int, 0) + 1); RETURN NEW; END $$;
      CREATE TRIGGER stamp BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION stamp()`);
    const { status, failures } = await run(async (doc, { em }) => {
      if (doc.id === 7) {
        await em.flush();
        doc.shape = 4;
      }
    });
    await bench.database.query('DROP TRIGGER stamp ON docs');
    expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    expect(await bodyOf(7)).toEqual({ shape: 4, body: { hits: 0, form: 'new', stamps: 2 } });
    expect(status.rowsRechecked).toBe(0);
  });

  it('guards flushes of an injected entity manager, and ends their transactions when the handler fails', async () => {
    const { status, failures } = await run(
      async (doc, _, count) => {
        if (doc.id === 7 && count === 1) {
          await bench.database.query(`UPDATE docs SET body = '{"hits": 1}' WHERE id = 7`);
        }
        if (doc.id === 7 || doc.id === 106) {
          await RequestContext.getEntityManager()?.getContext().flush();
        }
        if (doc.id === 107) {
          throw new Error('after a flush');
        }
      },
      { config: { ...options.config, attempts: 1 } },
    );
    expect(failures).toMatchObject([{ key: 107 }]);
    expect(status).toMatchObject({ rowsFailed: 1 });
    expect(await bodyOf(7)).toEqual({ shape: 2, body: { hits: 1, form: 'new' } });
    const idle = await bench.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
    );
    expect(idle[0]?.n).toBe(0);
  });

  it('fails a row that others write again and again', async () => {
    const { status, failures } = await run(
      async ({ id, body }) => {
        if (id === 7) {
          await bench.database.query(`UPDATE docs SET body = '{"hits": ${body.hits + 1}}' WHERE id = 7`);
        }
      },
      { config: { ...options.config, attempts: 1 } },
    );
    expect(status).toMatchObject({ rowsDone: ROWS - 1, rowsFailed: 1 });
    expect(failures).toMatchObject([{ key: 7, error: { name: 'RowKeepsChangingError' } }]);
    expect((await bodyOf(7))?.body).not.toHaveProperty('form');
  });

  it('handles rows anew as a whole when their other changes cannot be told apart', async () => {
    await bench.database.query('TRUNCATE notes');
    const { status, failures } = await run(async ({ id }, { em }, count) => {
      em.persist(em.create(Note, { doc: id }));
      if (id === 7 && count === 1) {
        await bench.database.query(`UPDATE docs SET body = '{"hits": 1}' WHERE id = 7`);
      }
    });
    expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    expect(await bodyOf(7)).toEqual({ shape: 2, body: { hits: 1, form: 'new' } });
    const notes = await bench.database.query<{ doc: number }>('SELECT doc FROM notes ORDER BY doc');
    expect(notes.map(({ doc }) => doc)).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
  });

  it('guards flushes and transactions of the handler itself', async () => {
    const { status, failures } = await run(async (doc, { em }, count) => {
      if (doc.id % 50 === 7 && count <= 2) {
        await bench.database.query(
          `UPDATE docs SET body = jsonb_set(body, '{hits}', '${count}') WHERE id = ${doc.id}`,
        );
        await (doc.id < 100 ? em.flush() : em.transactional(async () => undefined));
      }
    });
    expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    for (const id of [7, 57, 107, 157]) {
      expect(await bodyOf(id)).toEqual({ shape: 2, body: { hits: 2, form: 'new' } });
    }
  });

  it('comes back to a row that somebody else holds locked, without a connection and without an attempt', async () => {
    const stranger = new Client({ connectionString: bench.database.url });
    await stranger.connect();
    await stranger.query('BEGIN');
    await stranger.query('SELECT * FROM docs WHERE id = 7 FOR UPDATE');
    const { status, failures } = await run(
      async (_, { attempt }) => expect(attempt).toBe(1),
      {},
      async (backfills) => {
        const again = async () => (await backfills.status('reshape')).rowsRechecked;
        await eventually('the locked row to be put back three times', again, (times) => times >= 3);
        await stranger.query('COMMIT');
      },
    );
    await stranger.end();
    expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    expect(await bodyOf(7)).toMatchObject({ shape: 2 });
  });
});

describe.each(['batch', 'row'] as const)('two backfills of the same rows with a %s handler each', (shape) => {
  it('neither deadlock nor lose what the other one writes, in opposite directions', async () => {
    const marking = (mark: 'up' | 'down') => {
      const handle = async (doc: Doc) => {
        await sleep(1);
        doc.body = { ...doc.body, [mark]: true };
      };
      return defineBackfill<never, Doc>({
        name: mark,
        source: keyset(DocSchema, { orderBy: { id: mark === 'up' ? 'asc' : 'desc' } }),
        config: {
          batchSize: 40,
          concurrency: 2,
          perSecondOnPeak: null,
          perSecondOffPeak: null,
          rowConcurrency: 40,
        },
        ...(shape === 'row'
          ? { processRow: handle }
          : { processBatch: async (docs: Doc[]) => void (await Promise.all(docs.map(handle))) }),
      });
    };
    const { backfills, finished } = await bench.start({
      handlers: [marking('up'), marking('down')],
      entities: [DocSchema],
    });
    await Promise.all([backfills.start('up'), backfills.start('down')]);
    for (const name of ['up', 'down']) {
      const status = await finished(name);
      const { items: failures } = await backfills.failures(name, { limit: 10 });
      expect({ ...status, failures }).toMatchObject({ state: 'completed', rowsDone: ROWS, failures: [] });
    }
    const [row] = await bench.database.query<{ both: number }>(
      `SELECT count(*)::int AS both FROM docs WHERE body ?& array['up', 'down']`,
    );
    expect(row?.both).toBe(ROWS);
  });
});

describe('the guard of @Backfill', () => {
  const start = (guard: unknown) =>
    bench.start({
      handlers: [
        defineBackfill<never, Doc>({
          name: 'reshape',
          source: keyset(DocSchema, { orderBy: { id: 'asc' } }),
          guard: guard as BackfillGuard,
          processBatch: () => undefined,
        }),
      ],
      entities: [DocSchema],
    });

  it.each([
    ['recheckk', /reshape.*must be 'recheck'.*got "recheckk"/],
    [{ columns: [] }, /reshape.*at least one property/],
    [{ columns: ['contents'] }, /reshape.*properties of Doc \(id, shape, body\), got "contents"/],
  ])('refuses %j at start', async (guard, message) => {
    await expect(start(guard)).rejects.toMatchObject({
      code: 'BACKFILL_DEFINITION_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
