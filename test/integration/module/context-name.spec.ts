import {
  BACKFILL_ENTITIES,
  BACKFILL_JOURNAL_ENTITIES,
  createJournalSchema,
  createLedgerSchema,
  keyset,
} from 'nestjs-backfill';
import type { BackfillOptions, BackfillThrottle } from 'nestjs-backfill';
import type { Type } from '@nestjs/common';
import { JournalCleaner } from '../../../lib/journal/journal.cleaner.js';
import {
  CREATE_ITEMS,
  createAppBench,
  databaseContext,
  defineBackfill,
  eventually,
  Item,
  startsInContexts,
} from '../../support/apps/index.js';
import { createTestDatabase } from '../../support/databases/index.js';

const bench = await createAppBench();
const us = await createTestDatabase();
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
const ledger: string[] = [];
await createLedgerSchema({ addSql: (sql) => ledger.push(sql) });
await bench.database.query(ledger.join('\n'));
await us.query(
  `${CREATE_ITEMS};
   ${statements.join('\n')}`,
);

const UNPACED = { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null };
const source = keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } });

beforeEach(async () => {
  await bench.fillItems('SELECT generate_series(1, 3)');
  await us.query('TRUNCATE items, backfill_journals, backfill_journal_rows');
  await us.query('INSERT INTO items (id) SELECT generate_series(1, 55)');
});

const entities = [Item, ...BACKFILL_JOURNAL_ENTITIES];
const startWith = startsInContexts(bench, [
  databaseContext(undefined, bench.database.url, [...entities, ...BACKFILL_ENTITIES]),
  databaseContext('us', us.url, entities),
  databaseContext('gone', 'postgresql://localhost:1/gone', entities),
]);
const start = (...handlers: Type[]) => startWith({}, ...handlers);

const finish = (options: Partial<BackfillOptions> = {}, handle: (item: Item) => void = () => undefined) =>
  defineBackfill<never, Item>({
    name: 'finish',
    source,
    contextName: 'us',
    config: UNPACED,
    ...options,
    processBatch: (items) =>
      items.forEach((item) => {
        handle(item);
        item.touches++;
        item.state = 'done';
      }),
  });

const states = async (database: typeof us) =>
  database.query<{ state: string; rows: number }>(
    'SELECT state, count(*)::int AS rows FROM items GROUP BY state ORDER BY state',
  );

it('has planning, handlers, verification, rehearsals, throttles and the journal in the database of its context', async () => {
  const measured: string[] = [];
  const throttle: BackfillThrottle = {
    name: 'rows',
    measure: async ({ em }) => {
      const rows = await em.count(Item, {});
      measured.push(String(rows));
      return { pressure: 0, reason: '' };
    },
  };
  const { backfills, finished } = await start(
    finish({ verify: true, undo: {}, throttles: [throttle] }),
    finish({ name: 'here', contextName: 'default' }),
  );
  expect(await backfills.preview('finish')).toMatchObject({ rowsTotal: 55, total: 6 });
  const rehearsal = await backfills.rehearse('finish', { rows: 20 });
  expect(rehearsal).toMatchObject({ untouched: 0, errors: [], committed: null });
  expect(rehearsal.rows).toHaveLength(20);
  const { runId } = await backfills.start('finish', { canary: { rows: 20, maxFailures: 0 } });
  await finished('finish');
  await backfills.resume('finish');
  expect(await finished('finish')).toMatchObject({
    state: 'completed',
    rowsDone: 55,
    rowsTotal: 55,
    verified: { left: 0 },
  });
  expect(await states(us)).toEqual([{ state: 'done', rows: 55 }]);
  expect(await states(bench.database)).toEqual([{ state: 'new', rows: 3 }]);

  await backfills.undo('finish', { runId });
  expect(await finished('finish')).toMatchObject({ state: 'completed', undoes: runId });
  expect(await states(us)).toEqual([{ state: 'new', rows: 55 }]);
  expect(await backfills.undoConflicts('finish')).toEqual({ items: [], next: null });

  // A run that lasts until its throttle is measured.
  await backfills.start('finish', { config: { perSecondOnPeak: 1, perSecondOffPeak: 1 } });
  await eventually(
    'the throttle to be measured',
    () => measured.length,
    (times) => times > 0,
  );
  await backfills.cancel('finish');
  expect(new Set(measured)).toEqual(new Set(['55']));

  await backfills.start('here');
  expect(await finished('here')).toMatchObject({ state: 'completed', rowsDone: 3 });
});

it('finds and retries the rows that fail in the database of its context', async () => {
  let isBroken = true;
  const { backfills, finished } = await start(
    finish({ config: { ...UNPACED, attempts: 1, backoffMs: 0 } }, ({ id }) => {
      if (id === 42 && isBroken) {
        throw new Error('broken');
      }
    }),
  );
  await backfills.start('finish');
  expect(await finished('finish')).toMatchObject({ state: 'failed', rowsDone: 54, rowsFailed: 1 });
  isBroken = false;
  await backfills.retryFailures('finish');
  expect(await finished('finish')).toMatchObject({ state: 'completed', rowsDone: 55 });
  expect(await states(us)).toEqual([{ state: 'done', rows: 55 }]);
});

it('leaves a run alone that was started in another context', async () => {
  const { backfills, close } = await start(finish());
  await backfills.start('finish', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
  await backfills.pause('finish');
  await close();
  const later = await start(finish({ contextName: 'default' }));
  await expect(later.backfills.resume('finish')).rejects.toThrow('database context was us and is gone');
  await later.backfills.cancel('finish');
  await later.backfills.start('finish', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
  await later.backfills.pause('finish');
  await later.close();
  const back = await start(finish());
  await expect(back.backfills.resume('finish')).rejects.toThrow(
    'database context was that of the module and is us',
  );
});

it('holds nothing of the other databases where its own is down', async () => {
  const { app, backfills, finished, logs } = await startWith(
    { ledger: true },
    finish({ name: 'elsewhere', contextName: 'gone', undo: {} }),
    finish({ undo: {} }),
  );
  await expect(backfills.start('elsewhere')).rejects.toThrow('ECONNREFUSED');
  const { runId } = await backfills.start('finish');
  expect(await finished('finish')).toMatchObject({ state: 'completed', rowsDone: 55 });
  const inAYear = new Date(Date.now() + 365 * 86_400_000);
  await expect(app.get(JournalCleaner).clean(inAYear)).rejects.toThrow('ECONNREFUSED');
  expect(await us.query('SELECT * FROM backfill_journals')).toEqual([]);
  await expect(backfills.undo('finish', { runId })).rejects.toThrow('journal');
  expect(logs.having('does not answer')).toEqual([
    expect.stringContaining(
      'The database does not answer. The app starts; these backfills are checked and start when it answers: "elsewhere"',
    ),
  ]);
});

it('is named where the app lacks it, or where it is no name', async () => {
  await expect(start(finish({ contextName: 'asia' }))).rejects.toThrow(
    `Backfill "finish" has contextName 'asia', and the app has no MikroOrmModule of that name`,
  );
  await expect(start(finish({ contextName: '' }))).rejects.toThrow(
    'The option contextName of backfill "finish" must be the contextName of a MikroOrmModule, got ""',
  );
});
