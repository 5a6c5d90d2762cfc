import { keyset, BACKFILL_JOURNAL_ENTITIES, createJournalSchema } from 'nestjs-backfill';
import type { BackfillGuard, KeysetRange } from 'nestjs-backfill';
import type { Type } from '@nestjs/common';
import { createAppBench, defineBackfill } from '../../support/apps/index.js';
import { CREATE_PAPERS, FILL_PAPERS, Paper, PaperSchema } from './paper.entity.js';

const ROWS = 60;
const UNPACED = { batchSize: 7, perSecondOnPeak: null, perSecondOffPeak: null, rowConcurrency: 3 };

const bench = await createAppBench();
const { database } = bench;
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await database.query(statements.join('\n'));
await database.query(CREATE_PAPERS);

const source = keyset(PaperSchema, { orderBy: { id: 'asc' }, where: { shape: 1 } });

beforeEach(async () => {
  await database.query('TRUNCATE papers, backfill_journals, backfill_journal_rows');
  await database.query(FILL_PAPERS, [ROWS]);
});

const start = (...handlers: Type[]) =>
  bench.start({ handlers, entities: [PaperSchema, ...BACKFILL_JOURNAL_ENTITIES] });

async function contents(): Promise<string[]> {
  const rows = await database.query<{ row: string }>('SELECT papers::text AS row FROM papers ORDER BY id');
  return rows.map(({ row }) => row);
}

/** Changes every mapped column, to another value for each row. */
function reshape(paper: Paper): void {
  paper.shape = 2;
  paper.title = paper.title === null ? 'none' : null;
  paper.amount = '1.5';
  paper.at = new Date(0);
  paper.bytes = Buffer.from([1]);
  paper.body = { ...paper.body, done: true };
  paper.tags = [];
  paper.ref = '00000000-0000-4000-8000-000000000000';
  paper.mood = 'sad';
  // No text is not an empty one.
  paper.note = paper.note === null ? '' : null;
  paper.numbers = paper.numbers?.length === 0 ? null : [];
}

const shapes: Record<string, (guard: BackfillGuard) => Type> = {
  batch: (guard) =>
    defineBackfill<never, Paper>({
      name: 'reshape',
      source,
      guard,
      undo: {},
      config: UNPACED,
      processBatch: (papers) => papers.forEach(reshape),
    }),
  row: (guard) =>
    defineBackfill<never, Paper>({
      name: 'reshape',
      source,
      guard,
      undo: {},
      config: UNPACED,
      processRow: reshape,
    }),
  range: () =>
    defineBackfill<KeysetRange<Paper>>({
      name: 'reshape',
      source,
      undo: {},
      config: UNPACED,
      processRange: ({ where }, context) =>
        context.journal(where as object, (em) =>
          em.nativeUpdate(Paper, where, {
            shape: 2,
            title: 'new',
            bytes: Buffer.from([2]),
            note: '',
            numbers: null,
          }),
        ),
    }),
};

it.each([
  ['batch', 'recheck'],
  ['batch', 'none'],
  ['batch', 'lock'],
  ['row', 'recheck'],
  ['range', 'recheck'],
] as const)(
  'an undo of a %s handler with guard %s leaves the table as it was, to the byte',
  async (shape, guard) => {
    const before = await contents();
    const { backfills, finished } = await start(shapes[shape]!(guard));
    const { runId } = await backfills.start('reshape');
    expect(await finished('reshape')).toMatchObject({ state: 'completed', journaled: ROWS, undoes: null });
    expect((await contents()).filter((row) => before.includes(row))).toEqual([]);
    const undo = await backfills.undo('reshape', { runId, by: 'ada', reason: 'wrong shape' });
    const status = await finished('reshape');
    expect(status).toMatchObject({
      state: 'completed',
      runId: undo.runId,
      undoes: runId,
      rowsDone: ROWS,
      rowsTotal: ROWS,
      conflicts: 0,
      startedBy: 'ada',
      reason: 'wrong shape',
    });
    expect(await contents()).toEqual(before);
    await expect(backfills.undo('reshape', { runId })).rejects.toThrow('has no row that is not settled');
    await expect(backfills.undo('reshape', { runId: undo.runId })).rejects.toThrow(
      `the undo of run ${runId}`,
    );
  },
);
