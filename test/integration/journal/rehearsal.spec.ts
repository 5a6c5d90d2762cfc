import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset } from 'nestjs-backfill';
import type { BackfillForecast, KeysetRange } from 'nestjs-backfill';
import type { Type } from '@nestjs/common';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { createAppBench, defineBackfill } from '../../support/apps/index.js';
import { CREATE_PAPERS, FILL_PAPERS, Paper, PaperSchema } from './paper.entity.js';

const ROWS = 300;
/** So slow that the handler does not limit the run, unless a test says so. */
const PACED = { batchSize: 20, perSecondOnPeak: 1, perSecondOffPeak: 1 };
const UNPACED = { batchSize: 20, concurrency: 2, perSecondOnPeak: null, perSecondOffPeak: null };

const bench = await createAppBench();
const { database } = bench;
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await database.query(statements.join('\n'));
await database.query(CREATE_PAPERS);

const source = keyset(PaperSchema, { orderBy: { id: 'asc' }, where: { shape: 1 } });

beforeAll(async () => {
  await database.query(FILL_PAPERS, [ROWS]);
  await database.query('analyze papers');
});
afterEach(async () => {
  expect(await database.query('select 1 from backfill_journal_rows')).toEqual([]);
  expect(await database.query('select 1 from backfill_journals')).toEqual([]);
  expect(await database.query('select 1 from papers where shape <> 1')).toEqual([]);
});

const start = (...handlers: Type[]) =>
  bench.start({ handlers, entities: [PaperSchema, ...BACKFILL_JOURNAL_ENTITIES] });

const reshape = (paper: Paper) => void Object.assign(paper, { shape: 2, title: `it's "\\" ${paper.id}` });

/** Two backfills that differ only in `undo`. */
const shapes = {
  batch: (name: string, undo: object, guard?: 'none') =>
    defineBackfill<never, Paper>({
      name,
      source,
      ...undo,
      ...(guard && { guard }),
      config: PACED,
      processBatch: (papers) => papers.forEach(reshape),
    }),
  row: (name: string, undo: object) =>
    defineBackfill<never, Paper>({ name, source, ...undo, config: PACED, processRow: reshape }),
  range: (name: string, undo: object) =>
    defineBackfill<KeysetRange<Paper>>({
      name,
      source,
      ...undo,
      config: PACED,
      processRange: ({ where }, context) =>
        context.journal(where as object, (em) => em.nativeUpdate(Paper, where, { shape: 2, title: 'new' })),
    }),
};

const walOf = (forecast: BackfillForecast | null) => forecast?.walBytes?.expected ?? NaN;

describe('a rehearsal of a backfill with undo', () => {
  it.each([
    ['batch', undefined],
    ['batch', 'none'],
    ['row', undefined],
    ['range', undefined],
  ] as const)(
    'of a %s handler, guard %s: its forecast has the journal, which stays empty',
    async (shape, guard) => {
      const { backfills } = await start(
        shapes[shape]('journaled', { undo: { maxRows: 1 } }, guard),
        shapes[shape]('plain', {}, guard),
      );
      const [journaled, plain] = [
        await backfills.rehearse('journaled', { rows: 100 }),
        await backfills.rehearse('plain', { rows: 100 }),
      ];
      expect(journaled).toMatchObject({ untouched: 0, errors: [], committed: null, batches: 5 });
      expect(journaled.tables).toContainEqual({
        table: 'backfill_journal_rows',
        inserted: 100,
        updated: 0,
        deleted: 0,
      });
      expect(plain.tables.map(({ table }) => table)).toEqual(['papers']);
      expect(journaled.rows.map(({ changed }) => changed)).toEqual(plain.rows.map(({ changed }) => changed));
      expect(journaled.statements.total).toBeGreaterThan(plain.statements.total);
      // The log is that of the server, and other tests write to it meanwhile: the least of some is the nearest.
      const again = [
        await backfills.rehearse('plain', { rows: 100 }),
        await backfills.rehearse('plain', { rows: 100 }),
      ];
      const plainWal = Math.min(...[plain, ...again].map(({ forecast }) => walOf(forecast)));
      // A row of the journal, with its entry in the primary key: the id of the run is in both, 15 characters.
      expect(walOf(journaled.forecast) - plainWal).toBeGreaterThan(ROWS * 2 * 15);
      expect(await backfills.status('journaled')).toMatchObject({ state: 'idle', journaled: 0 });
    },
  );

  it('measures how fast an unpaced run is with its journal', async () => {
    let seen = 0;
    const { backfills } = await start(
      defineBackfill<never, Paper>({
        name: 'fast',
        source,
        undo: { maxRows: 1 },
        config: UNPACED,
        processBatch: (papers) => {
          papers.forEach(reshape);
          seen += papers.length;
        },
      }),
    );
    const { errors, forecast } = await backfills.rehearse('fast', { rows: 50 });
    expect({ errors, limitedBy: forecast?.limitedBy }).toEqual({ errors: [], limitedBy: 'handler' });
    expect(seen).toBeGreaterThan(100);
  });

  it('refuses what a run would refuse', async () => {
    const { backfills } = await start(
      defineBackfill<never, Paper>({
        name: 'forking',
        source,
        undo: {},
        config: PACED,
        processBatch: async ([paper], { em }) => {
          const own = em.fork();
          const found = await own.findOneOrFail(Paper, { id: (paper as Paper).id });
          found.shape = 2;
          await own.flush();
        },
      }),
    );
    const { errors, rows } = await backfills.rehearse('forking', { rows: 5 });
    expect(rows).toEqual([]);
    expect(errors[0]?.error.message).toContain('has the option undo');
  });

  it('removes the journal that a handler has committed', async () => {
    const { backfills } = await start(
      defineBackfill<never, Paper>({
        name: 'committing',
        source,
        undo: {},
        config: PACED,
        processBatch: async (papers, { em }) => {
          papers.forEach((paper) => (paper.title = 'committed'));
          await em.flush();
          await (em as unknown as SqlEntityManager).execute('commit');
        },
      }),
    );
    const { committed } = await backfills.rehearse('committing', { rows: 5 });
    expect(committed).toContain('commits by itself');
    expect(await database.query(`select 1 from papers where title = 'committed'`)).toHaveLength(1);
  });
});
