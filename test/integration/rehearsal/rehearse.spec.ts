import { MikroORM } from '@mikro-orm/core';
import { idRange, keyset } from 'nestjs-backfill';
import type { BackfillContext, BackfillRange, BackfillSource, IdRange, Rehearsal } from 'nestjs-backfill';
import { z } from 'zod';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

const bench = await createAppBench();
/** So slow that no rehearsal measures how fast the handler could be. */
const config = { batchSize: 10, attempts: 1, perSecondOnPeak: 1, perSecondOffPeak: 1 };
const source = keyset(Item, { orderBy: { id: 'asc' } });

const checksum = async () => {
  const [row] = await bench.database.query<{ sum: string }>(
    `select md5(string_agg(items::text || xmin::text, '|' order by id)) as sum from items`,
  );
  return row?.sum;
};
const sql = (context: BackfillContext) => context.em as unknown as SqlEntityManager;

/** Rehearses a handler, and proves that no row was written. */
async function rehearsed(
  handler: ReturnType<typeof defineBackfill>,
  options: object = {},
): Promise<Rehearsal> {
  const { backfills } = await bench.start({ handlers: [handler] });
  const before = await checksum();
  const result = await backfills.rehearse('rehearsed', options);
  expect(await checksum()).toBe(before);
  expect(await backfills.runs('rehearsed')).toEqual([]);
  return result;
}

beforeAll(async () => {
  await bench.database.query(
    `alter table items add column if not exists double int generated always as (touches * 2) stored,
       add column if not exists api_token text not null default 'abc', add column if not exists note text`,
  );
});
beforeEach(() => bench.fillItems('SELECT generate_series(1, 200)'));

describe('a rehearsal shows what the handler does to rows', () => {
  it('of a batch, from several places of the walk, with generated columns', async () => {
    const seen: boolean[] = [];
    const result = await rehearsed(
      defineBackfill<never, Item>({
        name: 'rehearsed',
        source,
        config,
        processBatch: (rows, { dryRun }) => {
          seen.push(dryRun);
          rows.forEach((row) => (row.touches = row.id));
        },
      }),
      { rows: 20 },
    );
    expect(seen).toEqual([true, true, true, true, true]);
    expect(result).toMatchObject({ untouched: 0, errors: [], batches: 5, committed: null, partial: null });
    expect(result.rows).toHaveLength(20);
    const ids = result.rows.map(({ key }) => Number(key));
    expect(new Set(ids).size).toBe(20);
    expect(Math.max(...ids) - Math.min(...ids)).toBeGreaterThan(20);
    for (const { key, before, after, changed } of result.rows) {
      expect(before).toMatchObject({
        id: String(Number(key)),
        touches: '0',
        double: '0',
        api_token: '***',
        note: null,
      });
      expect(after).toMatchObject({
        touches: String(Number(key)),
        double: String(Number(key) * 2),
        api_token: '***',
      });
      expect(changed).toEqual(['touches', 'double']);
    }
    expect(result.tables).toEqual([{ table: 'items', inserted: 0, updated: 20, deleted: 0 }]);
    expect(result.statements).toMatchObject({ total: 10, perBatch: 2 });
    expect(result.statements.shapes.map(({ count }) => count)).toEqual([5, 5]);
    expect(result.statements.shapes.map(({ sql: shape }) => shape.slice(0, 6))).toEqual(['select', 'update']);
    expect(result.msPerRow).toBeGreaterThan(0);
  });

  it('of a range, with raw SQL and a trigger', async () => {
    await bench.database.query(
      `create or replace function stamp() returns trigger language plpgsql as
         $$ begin new.note := 'stamped ' || new.state; return new; end $$;
       create or replace trigger stamp before update on items for each row execute function stamp()`,
    );
    try {
      const result = await rehearsed(
        defineBackfill<IdRange>({
          name: 'rehearsed',
          source: idRange(Item),
          config,
          processRange: async ({ begin, end }, context) => {
            await sql(context).execute(
              `update items set state = 'old' where id between ? and ? and id <> 7`,
              [begin, end],
            );
          },
        }),
        { rows: 200 },
      );
      expect(result.rows).toHaveLength(200);
      expect(result.untouched).toBe(1);
      const changed = result.rows.filter((row) => row.changed.length > 0);
      expect(changed.every(({ after }) => after?.['note'] === 'stamped old')).toBe(true);
      expect(result.rows.find(({ key }) => key === 7)).toMatchObject({ changed: [] });
    } finally {
      await bench.database.query('drop trigger stamp on items');
    }
  });

  it('of single rows: one that fails is an error, a deleted one has no state after', async () => {
    const result = await rehearsed(
      defineBackfill<never, Item>({
        name: 'rehearsed',
        source,
        config,
        processRow: async (row, context) => {
          await context.quota(2);
          if (row.id === 3) {
            await sql(context).execute('update items set state = null where id = 3');
          }
          if (row.id === 4) {
            await sql(context).execute('delete from items where id = 4');
            return;
          }
          row.touches++;
        },
      }),
      { rows: 10, to: { id: 10 } },
    );
    expect(result.errors).toMatchObject([
      { key: 3, error: { message: expect.stringContaining('null value') } },
    ]);
    expect(result.rows).toHaveLength(9);
    expect(result.rows.find(({ key }) => key === 4)).toMatchObject({ after: null });
    expect(result.rows.filter(({ after }) => after?.['touches'] === '1')).toHaveLength(8);
    expect(result.outside).toEqual([{ quota: 'rehearsed', calls: 20 }]);
    expect(result.notes.join()).toContain('third party');
  });

  it('cuts long values where they differ, and shows masked columns as changed', async () => {
    await bench.database.query(`update items set note = repeat('x', 1000), api_token = 'before'`);
    const handler = defineBackfill<IdRange>({
      name: 'rehearsed',
      source: idRange(Item),
      config,
      rehearsal: { mask: ['State'] },
      processRange: async ({ begin, end }, context) => {
        await sql(context).execute(
          `update items set note = overlay(note placing 'y' from 500), api_token = 'after', state = 'hidden'
            where id between ? and ?`,
          [begin, end],
        );
      },
    });
    const result = await rehearsed(handler, { rows: 3, mask: ['touches'] });
    const [row] = result.rows;
    expect(row?.changed).toEqual(['state', 'api_token', 'note']);
    expect(row?.before).toMatchObject({ state: '***', api_token: '***', touches: '***' });
    expect(row?.after?.['note']).toMatch(/^…x{40}yx+… \(1,000 characters\)$/);
    expect(JSON.stringify(result)).not.toMatch(/hidden|before'|'after/);
    const { rows: short } = await rehearsed(handler, { rows: 1, maxLength: 20 });
    expect(short[0]?.after?.['note']).toBe('…xxxxyxxxxxxxxxxxxxxx… (1,000 characters)');
    const { rows: whole } = await rehearsed(handler, { rows: 1, maxLength: null });
    expect(whole[0]?.after?.['note']).toBe(`${'x'.repeat(499)}y${'x'.repeat(500)}`);
  });
});

describe('a rehearsal handles as many rows as are asked for, and no more', () => {
  const counting = (batchSize: number, seen: number[], fails = false) =>
    defineBackfill<never, Item>({
      name: 'rehearsed',
      source,
      config: { ...config, batchSize },
      processBatch: (rows) => {
        seen.push(...rows.map(({ id }) => id));
        if (fails) {
          throw new Error('none of them');
        }
      },
    });

  it.each([
    [{ rows: 500 }, 90],
    [{ rows: 500, to: { id: 501 } }, 90],
    [{ rows: 7 }, 10],
    [{ rows: 23 }, 10],
    [{ rows: 1 }, 10],
  ])('%j of batches of %d', async (options, batchSize) => {
    await bench.fillItems('SELECT generate_series(1, 1000)');
    const seen: number[] = [];
    const result = await rehearsed(counting(batchSize, seen), options);
    expect(result.rows).toHaveLength(options.rows);
    expect(seen).toHaveLength(options.rows);
    expect(new Set(seen).size).toBe(options.rows);
  });

  it('of batches that fail as a whole', async () => {
    const seen: number[] = [];
    const { errors, rows } = await rehearsed(counting(10, seen, true), { rows: 23 });
    expect({ errors: errors.length, rows: rows.length, seen: seen.length }).toEqual({
      errors: 5,
      rows: 0,
      seen: 23,
    });
  });
});

it('gives the handler and its source the parameters that are asked for', async () => {
  const handler = defineBackfill<never, Item>({
    name: 'rehearsed',
    params: z.object({ least: z.int() }),
    source: ({ params }) =>
      keyset(Item, { orderBy: { id: 'asc' }, where: { id: { $gte: (params as { least: number }).least } } }),
    config,
    processBatch: (rows, { params }) =>
      rows.forEach((row) => (row.touches = (params as { least: number }).least)),
  });
  const result = await rehearsed(handler, { params: { least: 190 } });
  expect(result.rows).toHaveLength(11);
  expect(result.rows.every(({ after }) => after?.['touches'] === '190')).toBe(true);
  const { backfills } = await bench.start({ handlers: [handler] });
  await expect(backfills.rehearse('rehearsed', { params: { least: 'all' } })).rejects.toThrow('least');
});

describe('a handler that commits by itself is named', () => {
  const committing = (commit: (ids: readonly number[], context: BackfillContext) => Promise<unknown>) =>
    defineBackfill<never, Item>({
      name: 'rehearsed',
      source,
      config,
      processBatch: async (rows, context) => {
        await commit(
          rows.map(({ id }) => id),
          context,
        );
      },
    });
  const rehearse = async (handler: ReturnType<typeof committing>) => {
    const { backfills } = await bench.start({ handlers: [handler] });
    return backfills.rehearse('rehearsed', { rows: 20 });
  };
  const update = 'update items set touches = 5 where id = any(?::int[])';
  const literal = (ids: readonly number[]) => `{${ids.join(',')}}`;

  it.each<[string, (ids: readonly number[], context: BackfillContext) => Promise<unknown>, string]>([
    [
      'by COMMIT',
      async (ids, context) => {
        await sql(context).execute(update, [literal(ids)]);
        await sql(context).execute('commit');
      },
      'commit',
    ],
    [
      'by a transaction of another entity manager',
      (ids, context) =>
        context.em
          .fork()
          .transactional((em) => em.nativeUpdate(Item, { id: { $in: [...ids] } }, { touches: 5 })),
      'commit',
    ],
    [
      'by a statement of another entity manager',
      (ids, context) => context.em.fork().nativeUpdate(Item, { id: { $in: [...ids] } }, { touches: 5 }),
      'update',
    ],
    [
      'on a connection that MikroORM does not know',
      (ids) => bench.database.query('update items set touches = 5 where id = any($1)', [ids]),
      'connection of its own',
    ],
  ])('%s', async (_, commit, named) => {
    const result = await rehearse(committing(commit));
    expect(result.committed).toContain(named);
    expect(result.committed).toContain('not rolled back');
    expect(result.partial).toContain('committed by itself');
    expect(result.batches).toBe(1);
    const [row] = await bench.database.query('select count(*)::int as count from items where touches = 5');
    expect(row).toEqual({ count: 4 });
  });
});

describe('a rehearsal beside a run', () => {
  it('works while it is paused, and leaves its counters alone', async () => {
    const handler = defineBackfill<never, Item>({
      name: 'rehearsed',
      source,
      config: { ...config, perSecondOnPeak: 0, perSecondOffPeak: 0 },
      processBatch: (rows) => rows.forEach((row) => (row.touches = 1)),
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    await backfills.start('rehearsed');
    await backfills.pause('rehearsed');
    const before = await backfills.status('rehearsed');
    expect((await backfills.rehearse('rehearsed')).rows).toHaveLength(50);
    const { state, rowsDone, planned, outstanding } = await backfills.status('rehearsed');
    expect({ state, rowsDone, planned, outstanding }).toEqual({
      state: 'paused',
      rowsDone: before.rowsDone,
      planned: before.planned,
      outstanding: before.outstanding,
    });
  });

  it('gives up on a row that the app has locked', async () => {
    const handler = defineBackfill<never, Item>({
      name: 'rehearsed',
      source,
      config,
      processBatch: (rows) => rows.forEach((row) => (row.touches = 1)),
    });
    const { app, backfills } = await bench.start({ handlers: [handler] });
    const em = app.get(MikroORM).em.fork();
    await em.begin();
    await em.nativeUpdate(Item, { id: 1 }, { touches: 9 });
    const result = await backfills.rehearse('rehearsed', { rows: 5, to: { id: 5 } });
    await em.rollback();
    expect(result.errors).toHaveLength(1);
    expect(result.errors[0]?.error.message).toContain('lock timeout');
    expect(result.rows).toHaveLength(4);
  });

  it('ends at its time limit with the rows so far', async () => {
    let calls = 0;
    const handler = defineBackfill<never, Item>({
      name: 'rehearsed',
      source,
      config,
      processBatch: async (rows, { signal }) => {
        rows.forEach((row) => (row.touches = 1));
        if (++calls > 1) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          signal.throwIfAborted();
        }
      },
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    const result = await backfills.rehearse('rehearsed', { timeoutMs: 1_000 });
    expect(result.partial).toContain('longer than 1000 ms');
    expect(result.rows).toHaveLength(10);
  });

  it.each([
    [{ rows: 0 }, 'rows to be a whole number from 1 to 500'],
    [{ rows: 501 }, 'rows to be'],
    [{ maxLength: 0 }, 'maxLength to be a whole number of characters'],
    [{ timeoutMs: 1 }, 'timeoutMs to be'],
    [{ mask: [1] }, 'mask to be a list'],
  ])('refuses %j', async (options, message) => {
    const handler = defineBackfill({ name: 'rehearsed', source, config, processRange: () => undefined });
    const { backfills } = await bench.start({ handlers: [handler] });
    await expect(backfills.rehearse('rehearsed', options as object)).rejects.toThrow(message);
  });
});

describe('a custom source that gives more rows than asked for', () => {
  const handled: number[] = [];
  /** A source with ranges of so many rows, whatever is asked for, which loads so many. */
  const greedy = (plans: number, loads: number): BackfillSource<BackfillRange, Item> => ({
    kind: 'greedy',
    open: () =>
      Promise.resolve({ partitions: [{ name: '', bounds: {} }], total: { rows: 200, exact: true } }),
    plan: (_, { cursor, limit }) => {
      const low = typeof cursor === 'number' ? cursor : 1;
      const count = Math.min(limit, Math.ceil((201 - low) / plans));
      const ranges = Array.from({ length: count }, (__, at) => ({ data: low + at * plans, rows: plans }));
      const next = low + count * plans;
      return Promise.resolve({ ranges, cursor: next, exhausted: next > 200 });
    },
    load: ({ em }, low) => em.find(Item, { id: { $gte: Number(low), $lt: Number(low) + loads } }),
    keyOf: ({ id }) => id,
  });
  const handling = (source: BackfillSource<BackfillRange, Item>) =>
    defineBackfill<BackfillRange, Item>({
      name: 'rehearsed',
      source,
      config,
      processBatch: (items) => {
        handled.push(...items.map(({ id }) => id));
        items.forEach((item) => (item.touches = 1));
      },
    });
  beforeEach(() => {
    handled.length = 0;
    return bench.fillItems('SELECT generate_series(1, 240)');
  });

  it.each([
    ['plans them', 40, 40],
    ['loads them', 4, 40],
  ])('and %s has none of the batch handled, and says so', async (_, plans, loads) => {
    const { rows, errors, partial } = await rehearsed(handling(greedy(plans, loads)), { rows: 20 });
    expect({ handled, rows }).toEqual({ handled: [], rows: [] });
    expect([partial, ...errors.map(({ error }) => error.message)].join()).toContain(
      'gives a batch of 40 rows where 20 are left to rehearse',
    );
  });

  it('and fit one time only has those handled', async () => {
    const { rows, partial } = await rehearsed(handling(greedy(40, 40)), { rows: 60 });
    expect([handled.length, rows.length]).toEqual([40, 40]);
    expect(partial).toContain('gives a batch of 40 rows where 20 are left');
  });
});
