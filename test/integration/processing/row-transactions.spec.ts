import { setImmediate } from 'node:timers/promises';
import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset } from 'nestjs-backfill';
import type { BackfillContext, BackfillGuard } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

const ROWS = 12;
const bench = await createAppBench();
const { database } = bench;
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await database.query(statements.join('\n'));

beforeEach(() => bench.fillItems(`SELECT generate_series(1, ${ROWS})`));

interface Options {
  readonly guard?: BackfillGuard;
  readonly undo?: boolean;
  readonly rowConcurrency?: number;
}

async function run(
  processRow: (item: Item, context: BackfillContext) => Promise<void>,
  { guard = 'recheck', undo = false, rowConcurrency = 1 }: Options = {},
) {
  const handler = defineBackfill<never, Item>({
    name: 'rows',
    source: keyset(Item, { orderBy: { id: 'asc' } }),
    guard,
    ...(undo ? { undo: {} } : {}),
    config: {
      batchSize: ROWS,
      rowConcurrency,
      attempts: 1,
      perSecondOnPeak: null,
      perSecondOffPeak: null,
    },
    processRow,
  });
  const app = await bench.start({ entities: [Item, ...BACKFILL_JOURNAL_ENTITIES], handlers: [handler] });
  const { runId } = await app.backfills.start('rows');
  return { ...app, runId, status: await app.finished('rows') };
}

const contents = (where = 'true') =>
  database.query<{ id: number; state: string; touches: number }>(
    `SELECT id, state, touches FROM items WHERE ${where} ORDER BY id`,
  );

/** Of every third row a transaction of the handler is rolled back, whose error the handler catches. */
const isRolledBack = (id: number) => id % 3 === 0;
const expected = Array.from({ length: ROWS }, (_, i) => ({
  id: i + 1,
  state: isRolledBack(i + 1) ? 'new' : 'done',
  touches: 0,
}));

async function rollBack({ em }: Pick<BackfillContext, 'em'>, change: () => void): Promise<void> {
  const transaction = em.transactional(async (inner) => {
    change();
    await inner.flush();
    throw new Error('not now');
  });
  await expect(transaction).rejects.toThrow('not now');
}

const settings: Options[] = (['recheck', 'none', { columns: ['state', 'touches'] }] as const).flatMap(
  (guard) =>
    [false, true].flatMap((undo) => [1, 4].map((rowConcurrency) => ({ guard, undo, rowConcurrency }))),
);

describe('a transaction of a row handler that is rolled back', () => {
  it.each(settings)('takes no change of other rows with it: %j', async (options) => {
    const { status, backfills, finished, runId } = await run(async (item, context) => {
      if (isRolledBack(item.id)) {
        await rollBack(context, () => (item.touches = 99));
      } else {
        item.state = 'done';
      }
    }, options);
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsRechecked: 0 });
    expect(await contents()).toEqual(expected);
    if (options.undo) {
      await backfills.undo('rows', { runId });
      expect(await finished('rows')).toMatchObject({ state: 'completed', rowsDone: 8, conflicts: 0 });
      expect(await contents("state = 'done'")).toEqual([]);
    }
  });

  it('and that fails its row, takes no change of other rows with it', async () => {
    const { status } = await run(async (item, { em }) => {
      if (!isRolledBack(item.id)) {
        item.state = 'done';
        return;
      }
      await em.transactional(async (inner) => {
        item.touches = 99;
        await inner.flush();
        throw new Error('not now');
      });
    });
    expect(status).toMatchObject({ state: 'failed', rowsDone: 8, rowsFailed: 4 });
    expect(await contents()).toEqual(expected);
  });

  it.each(['recheck', 'none'] as const)(
    'leaves what the handler then changes of its row, with guard %s',
    async (guard) => {
      const { status } = await run(
        async (item, context) => {
          await rollBack(context, () => (item.touches = 99));
          item.state = 'failed';
        },
        { guard },
      );
      expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsRechecked: 0 });
      expect(await contents("state = 'failed' AND touches = 0")).toHaveLength(ROWS);
    },
  );

  it('takes no change of its own row with it that was made before', async () => {
    const { status } = await run(async (item, context) => {
      item.state = 'done';
      await rollBack(context, () => (item.touches = 99));
    });
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await contents("state = 'done' AND touches = 0")).toHaveLength(ROWS);
  });

  it('takes no row with it that another has added', async () => {
    const { status } = await run(async (item, context) => {
      if (isRolledBack(item.id)) {
        await rollBack(context, () => (item.touches = 99));
      } else {
        context.em.create(Item, { id: item.id + 100, state: 'added', touches: 0 });
      }
    });
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await contents("state = 'added'")).toHaveLength(8);
  });

  it('takes no change with it that another row makes meanwhile', async () => {
    let begun = () => {};
    let changed = () => {};
    const begin = new Promise<void>((resolve) => (begun = resolve));
    const change = new Promise<void>((resolve) => (changed = resolve));
    const { status } = await run(
      async (item, { em }) => {
        if (item.id === 1) {
          const transaction = em.transactional(async (inner) => {
            begun();
            await change;
            item.touches = 99;
            await inner.flush();
            throw new Error('not now');
          });
          await expect(transaction).rejects.toThrow('not now');
        } else if (item.id === 2) {
          await begin;
          item.state = 'done';
          changed();
        }
      },
      { rowConcurrency: 2 },
    );
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await contents('id < 3')).toEqual([
      { id: 1, state: 'new', touches: 0 },
      { id: 2, state: 'done', touches: 0 },
    ]);
  });

  it('of which a savepoint was released, takes no change of other rows with it', async () => {
    const { status, backfills } = await run(async (item, { em }) => {
      if (!isRolledBack(item.id)) {
        item.state = 'done';
        return;
      }
      const transaction = em.transactional(async (outer) => {
        await outer.transactional(() => {
          item.touches = 99;
        });
        throw new Error('not now');
      });
      await expect(transaction).rejects.toThrow('not now');
    });
    expect((await backfills.failures('rows')).items).toEqual([]);
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await contents()).toEqual(expected);
  });

  it('with begin and rollback, takes no change of other rows with it', async () => {
    const { status } = await run(async (item, { em }) => {
      if (!isRolledBack(item.id)) {
        item.state = 'done';
        return;
      }
      await em.begin();
      item.touches = 99;
      await em.flush();
      await em.rollback();
    });
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await contents()).toEqual(expected);
  });

  it('that commits writes what it has flushed once', async () => {
    const { status } = await run(async (item, { em }) => {
      if (!isRolledBack(item.id)) {
        item.state = 'done';
        return;
      }
      await em.transactional(() => {
        item.touches = 99;
      });
    });
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await contents('touches = 99')).toHaveLength(4);
    expect(await contents("state = 'done'")).toHaveLength(8);
  });

  it('and that follows a flush which has failed, takes no change of other rows with it', async () => {
    const { status } = await run(
      async (item, { em }) => {
        if (!isRolledBack(item.id)) {
          item.state = 'done';
          return;
        }
        await em.begin();
        item.touches = 98;
        await em.flush();
        item.state = null as never;
        await expect(em.flush()).rejects.toThrow('state');
        await em.rollback();
        item.state = 'new';
        await em.begin();
        item.touches = 99;
        await em.flush();
        await em.rollback();
        item.touches = 0;
      },
      { guard: 'none' },
    );
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await contents()).toEqual(expected);
  });

  it.each(['recheck', 'none'] as const)(
    'of other rows that are under way when a row fails commit what is theirs, with guard %s',
    async (guard) => {
      let fail = () => {};
      const failed = new Promise<void>((resolve) => (fail = resolve));
      const { status, backfills } = await run(
        async (item, { em }) => {
          if (item.id === 1) {
            item.state = 'broken';
            await setImmediate();
            fail();
            throw new Error('broken');
          }
          await em.transactional(async (inner) => {
            await failed;
            await setImmediate();
            item.state = 'done';
            await inner.flush();
          });
        },
        { guard, rowConcurrency: 4 },
      );
      expect((await backfills.failures('rows')).items).toMatchObject([
        { key: 1, error: { message: 'broken' } },
      ]);
      expect(status).toMatchObject({ state: 'failed', rowsDone: ROWS - 1, rowsFailed: 1 });
      expect(await contents("state = 'new'")).toEqual([{ id: 1, state: 'new', touches: 0 }]);
      expect(await contents("state = 'done'")).toHaveLength(ROWS - 1);
    },
  );
});
