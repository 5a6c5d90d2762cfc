import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, idRange, keyset } from 'nestjs-backfill';
import type { BackfillUndoOptions, IdRange } from 'nestjs-backfill';
import type { EntityManager } from '@mikro-orm/core';
import type { Type } from '@nestjs/common';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

const ROWS = 12;
const bench = await createAppBench();
const { database } = bench;
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await database.query(statements.join('\n'));

const CONFIG = { batchSize: 4, perSecondOnPeak: null, perSecondOffPeak: null, attempts: 2, backoffMs: 0 };
const source = keyset(Item, { orderBy: { id: 'asc' } });

beforeEach(async () => {
  await database.query('TRUNCATE backfill_journals, backfill_journal_rows');
  await bench.fillItems(`SELECT generate_series(1, ${ROWS})`);
});

async function run(handler: Type) {
  const app = await bench.start({ entities: [Item, ...BACKFILL_JOURNAL_ENTITIES], handlers: [handler] });
  const { runId } = await app.backfills.start('touch');
  const status = await app.finished('touch');
  return { ...app, runId, status };
}

const contents = () => database.query('SELECT state, touches FROM items GROUP BY 1, 2 ORDER BY 1, 2');

/** Whether a batch or range is handled for the first time. */
function firstTimes() {
  const seen = new Set<number>();
  return (id: number) => !seen.has(id) && seen.add(id).size > 0;
}

function touch(items: readonly Item[]): void {
  items.forEach((item) => {
    item.state = 'done';
    item.touches++;
  });
}

describe('rows of a journal are counted once they are committed', () => {
  const batch = (
    processBatch: (items: Item[], em: EntityManager) => Promise<void>,
    undo: BackfillUndoOptions = {},
  ) =>
    defineBackfill<never, Item>({
      name: 'touch',
      source,
      undo,
      config: CONFIG,
      processBatch: (items, { em }) => processBatch(items, em),
    });

  it('not those of a transaction of the handler that is rolled back', async () => {
    const isFirst = firstTimes();
    const { status } = await run(
      batch(async (items, em) => {
        await em.transactional(async (inner) => {
          touch(items);
          await inner.flush();
          if (isFirst(items[0]!.id)) {
            throw new Error('rolled back');
          }
        });
      }),
    );
    expect(status).toMatchObject({ state: 'completed', journaled: ROWS });
  });

  it('not those of a savepoint that is rolled back', async () => {
    const { status } = await run(
      batch(async (items, em) => {
        await em.transactional(async (outer) => {
          touch(items.slice(0, 1));
          await outer.flush();
          const inner = outer.transactional(async (nested) => {
            touch(items.slice(1, 2));
            await nested.flush();
            throw new Error('rolled back');
          });
          await expect(inner).rejects.toThrow('rolled back');
          await outer.transactional(async (nested) => {
            touch(items.slice(2, 3));
            await nested.flush();
          });
        });
      }),
    );
    expect(status).toMatchObject({ state: 'completed', journaled: (ROWS / 4) * 2 });
    expect(await contents()).toEqual([
      { state: 'done', touches: 1 },
      { state: 'new', touches: 0 },
    ]);
  });

  it('not those of a flush of the library whose commit fails', async () => {
    await database.query(`
      CREATE TABLE refusals (id int PRIMARY KEY);
      INSERT INTO refusals VALUES (5);
      CREATE FUNCTION refuse() RETURNS trigger AS $$
      BEGIN
        IF EXISTS (SELECT FROM refusals WHERE id = NEW.id) THEN RAISE 'refused %', NEW.id; END IF;
        RETURN NULL;
      END $$ LANGUAGE plpgsql;
      CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON items DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse();
    `);
    const isFirst = firstTimes();
    try {
      const { status } = await run(
        batch(async (items) => {
          if (!isFirst(items[0]!.id)) {
            await database.query('DELETE FROM refusals');
          }
          touch(items);
        }),
      );
      expect(status).toMatchObject({ state: 'completed', journaled: ROWS });
    } finally {
      await database.query('DROP TABLE refusals; DROP TRIGGER refuse ON items; DROP FUNCTION refuse');
    }
  });

  it('so that maxRows pauses no run before that', async () => {
    const isFirst = firstTimes();
    const { status } = await run(
      batch(
        async (items, em) => {
          await em.transactional(async (inner) => {
            touch(items);
            await inner.flush();
            if (isFirst(items[0]!.id)) {
              throw new Error('rolled back');
            }
          });
        },
        { maxRows: ROWS + 1 },
      ),
    );
    expect(status).toMatchObject({ state: 'completed', journaled: ROWS });
  });
});

describe('ctx.journal in a transaction of the handler', () => {
  const range = (commits: (id: number) => boolean) =>
    defineBackfill<IdRange<Item, number>>({
      name: 'touch',
      source: idRange(Item),
      undo: {},
      config: CONFIG,
      processRange: ({ where, begin }, context) =>
        context.em.transactional(async (em) => {
          await em.nativeUpdate(Item, where, { touches: 5 });
          await context.journal(where as object, async (inner) => {
            expect(inner).toBe(em);
            await inner.nativeUpdate(Item, where, { state: 'done' });
          });
          if (!commits(begin)) {
            throw new Error('rolled back');
          }
        }),
    });

  it('journals in that transaction, and is rolled back with it', async () => {
    const isFirst = firstTimes();
    const { status, backfills, finished, runId } = await run(range((id) => !isFirst(id)));
    expect(status).toMatchObject({ state: 'completed', journaled: ROWS });
    expect(await contents()).toEqual([{ state: 'done', touches: 5 }]);
    await backfills.undo('touch', { runId });
    expect(await finished('touch')).toMatchObject({ state: 'completed', conflicts: 0, rowsDone: ROWS });
    // What was written outside of ctx.journal stays.
    expect(await contents()).toEqual([{ state: 'new', touches: 5 }]);
  });

  it('of a batch handler, whose entities are journaled with it', async () => {
    const { status, backfills, finished, runId } = await run(
      defineBackfill<never, Item>({
        name: 'touch',
        source,
        // The statement changes the rows that the entities were loaded from.
        guard: 'none',
        undo: {},
        config: CONFIG,
        processBatch: (items, context) =>
          context.em.transactional(async () => {
            const ids = items.map(({ id }) => id);
            await context.journal({ id: { $in: ids } }, (em) =>
              em.nativeUpdate(Item, { id: { $in: ids } }, { state: 'done' }),
            );
            items.forEach((item) => (item.touches = 7));
          }),
      }),
    );
    expect(status).toMatchObject({ state: 'completed' });
    expect(await contents()).toEqual([{ state: 'done', touches: 7 }]);
    await backfills.undo('touch', { runId });
    expect(await finished('touch')).toMatchObject({ state: 'completed', conflicts: 0 });
    expect(await contents()).toEqual([{ state: 'new', touches: 0 }]);
  });
});
