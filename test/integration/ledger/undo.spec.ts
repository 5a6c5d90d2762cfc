import { BACKFILL_ENTITIES, BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset } from 'nestjs-backfill';
import { createLedgerBench, defineBackfill, eventually, Item } from '../../support/apps/index.js';

const ROWS = 200;
const bench = await createLedgerBench();
const { database } = bench;
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await database.query(statements.join('\n'));
await database.query(`INSERT INTO items SELECT g, 'new' || g FROM generate_series(1, ${ROWS}) g`);

const contents = () => database.query('SELECT * FROM items ORDER BY id');

it('an undo goes on after Redis lost everything', async () => {
  const { backfills, finished } = await bench.start({
    entities: [Item, ...BACKFILL_ENTITIES, ...BACKFILL_JOURNAL_ENTITIES],
    handlers: [
      defineBackfill<never, Item>({
        name: 'touch',
        source: keyset(Item, { orderBy: { id: 'asc' } }),
        undo: {},
        config: { batchSize: 5, perSecondOnPeak: null, perSecondOffPeak: null, maxOutstanding: 8 },
        processBatch: (items) => items.forEach((item) => (item.state = 'done')),
      }),
    ],
  });
  const before = await contents();
  const { runId } = await backfills.start('touch');
  expect(await finished('touch')).toMatchObject({ state: 'completed', journaled: ROWS });
  await backfills.configure('touch', { perSecondOnPeak: 8, perSecondOffPeak: 8 });
  const undo = await backfills.undo('touch', { runId, by: 'ada' });
  await eventually(
    'a checkpoint of the undo under way',
    () =>
      database.query<{ rows: string }>('SELECT rows_done AS rows FROM backfill_runs WHERE id = $1', [
        undo.runId,
      ]),
    ([row]) => Number(row?.rows) > 0,
  );
  await bench.loseRedis();
  await eventually(
    'the undo to be back',
    () => backfills.status('touch'),
    ({ runId: id, state }) => id === undo.runId && state === 'running',
  );
  await backfills.configure('touch', { perSecondOnPeak: null, perSecondOffPeak: null });
  const over = await eventually(
    'the undo to be over',
    () => backfills.status('touch'),
    ({ finishedAt, undoes }) => undoes === runId && finishedAt !== null,
  );
  expect(over).toMatchObject({
    state: 'completed',
    runId: undo.runId,
    undoes: runId,
    startedBy: 'ada',
    conflicts: 0,
    failed: 0,
    rowsFailed: 0,
  });
  expect(await contents()).toEqual(before);
  expect(await database.query('SELECT DISTINCT settled FROM backfill_journal_rows')).toEqual([
    { settled: 'undone' },
  ]);
  expect(await backfills.run('touch', undo.runId)).toMatchObject({ undoes: runId, status: 'completed' });
});
