import { array, csvFile, idRange, keyset } from 'nestjs-backfill';
import type { BackfillSource } from 'nestjs-backfill';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'canaried';
const QUICK = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 1 };

/** Ids with gaps of different lengths. */
const IDS = Array.from({ length: 60 }, (_, i) => 3 + i * 2 + Math.floor((i * i) / 8));
const folder = await mkdtemp(join(tmpdir(), 'canary-'));
const file = join(folder, 'rows.csv');
/** Its total is estimated. */
const longFile = join(folder, 'long.csv');

interface Handed {
  readonly id: unknown;
}

const partitions = { low: { id: { $lte: 100 } }, high: { id: { $gt: 100 } } };
const SOURCES: Record<string, () => BackfillSource<never, Handed>> = {
  'keyset asc': () => keyset(Item, { orderBy: { id: 'asc' } }) as never,
  'keyset desc with where': () => keyset(Item, { orderBy: { id: 'desc' }, where: { state: 'new' } }) as never,
  'keyset partitions': () => keyset(Item, { orderBy: { id: 'asc' }, partitions }) as never,
  'idRange desc': () => idRange(Item) as never,
  'idRange asc with where': () => idRange(Item, { direction: 'asc', where: { state: 'new' } }) as never,
  'idRange partitions': () => idRange(Item, { partitions }) as never,
  'long csv': () => csvFile(longFile) as never,
  csv: () => csvFile(file) as never,
  array: () => array(() => IDS.map((id) => ({ id })), { keyOf: ({ id }) => id }) as never,
  'its own': () => numbers(60) as never,
};

interface Canaried {
  readonly source: string;
  readonly shape: 'range' | 'batch' | 'row';
  readonly handed: unknown[];
}

function canaried({ source, shape, handed }: Canaried) {
  const of = (row: unknown) => (row as Handed).id;
  const shapes = {
    row: { processRow: (row: unknown) => void handed.push(of(row)) },
    batch: { processBatch: (rows: unknown[]) => void handed.push(...rows.map(of)) },
    range: {
      processRange: async (
        range: never,
        { em }: { em: { find: (...args: unknown[]) => Promise<Handed[]> } },
      ) => {
        const { where } = range as { where: object };
        const rows = await em.find(Item, where);
        handed.push(...rows.map(of));
        return rows.length;
      },
    },
  };
  return defineBackfill<never, Handed>({
    name: nameOf(source, shape),
    source: SOURCES[source]?.() ?? numbers(0),
    config: { ...QUICK, batchSize: 7, concurrency: 3 },
    ...(shapes[shape] as object),
  });
}

beforeAll(async () => {
  await writeFile(file, ['id', ...IDS].join('\n'));
  await writeFile(longFile, ['id', ...Array.from({ length: 1_500 }, (_, i) => i)].join('\n'));
  await bench.fillItems(IDS);
});
afterAll(() => rm(folder, { recursive: true }));

const nameOf = (source: string, shape: string) => `${source} ${shape}`.replaceAll(' ', '-').toLowerCase();

/** One app for all cases: each has a backfill of its own. */
async function startAll(
  cases: readonly (readonly [source: string, shape: Canaried['shape'], rows: number])[],
) {
  const all = cases.map(([source, shape, rows]) => {
    const handed: unknown[] = [];
    return { name: nameOf(source, shape), handler: canaried({ source, shape, handed }), handed, rows };
  });
  const app = await bench.start({ handlers: all.map(({ handler }) => handler) });
  await Promise.all(all.map(({ name, rows }) => app.backfills.start(name, { canary: { rows } })));
  return { ...app, all };
}

it('hands out exactly its rows, and then the others, of each kind of source to each shape of handler', async () => {
  const { all, backfills, finished } = await startAll([
    ['keyset asc', 'batch', 20],
    ['keyset desc with where', 'row', 1],
    ['keyset partitions', 'batch', 11],
    ['keyset asc', 'range', 21],
    ['idRange desc', 'batch', 20],
    ['idRange asc with where', 'range', 20],
    ['idRange asc with where', 'row', 59],
    ['idRange partitions', 'range', 9],
    ['csv', 'batch', 20],
    ['array', 'row', 20],
    ['its own', 'batch', 20],
  ]);
  for (const { name, handed, rows } of all) {
    expect([name, await finished(name)]).toMatchObject([
      name,
      {
        state: 'paused',
        pausedBy: 'nestjs-backfill',
        rowsDone: rows,
        outstanding: 0,
        canary: {
          rows,
          maxFailures: 0,
          handedOut: rows,
          state: 'passed',
          verdict: { passed: true, rowsDone: rows, failures: 0, rowsMissing: 0, verified: null },
        },
      },
    ]);
    expect([name, new Set(handed).size, handed.length]).toEqual([name, rows, rows]);
  }
  await Promise.all(all.map(({ name }) => backfills.resume(name)));
  for (const { name, handed, rows } of all) {
    expect([name, await finished(name)]).toMatchObject([
      name,
      {
        state: 'completed',
        rowsDone: 60,
        percent: 100,
        canary: { handedOut: rows, state: 'passed', verdict: { rowsDone: rows } },
      },
    ]);
    expect([name, new Set(handed).size]).toEqual([name, 60]);
  }
});

it('hands out exactly its rows while batch sizes change, tuned by itself and by an operator', async () => {
  const sizes: number[] = [];
  const handler = (name: string, partitioned: boolean) =>
    defineBackfill<never, Handed>({
      name,
      source: SOURCES[partitioned ? 'keyset partitions' : 'keyset asc']?.() ?? numbers(0),
      config: { ...QUICK, batchSize: 2, autoTune: { targetMs: 50, min: 1, max: 30 } },
      processBatch: (rows) => void sizes.push(rows.length),
    });
  const names = ['tuned', 'tuned-partitions'];
  const { backfills, finished } = await bench.start({
    handlers: names.map((name, i) => handler(name, i === 1)),
  });
  for (const name of names) {
    await backfills.start(name, { canary: { rows: 37 } });
    await backfills.configure(name, { batchSize: 9 });
    expect([name, await finished(name)]).toMatchObject([
      name,
      { state: 'paused', rowsDone: 37, canary: { handedOut: 37, state: 'passed' } },
    ]);
    await backfills.resume(name);
    expect([name, await finished(name)]).toMatchObject([name, { state: 'completed', rowsDone: 60 }]);
  }
  expect(new Set(sizes).size).toBeGreaterThan(1);
});

it('of more rows than there are ends with the run', async () => {
  const { all, finished } = await startAll([
    ['keyset asc', 'batch', 61],
    ['idRange desc', 'row', 61],
    ['csv', 'batch', 1_000],
    ['array', 'row', 61],
  ]);
  for (const { name, handed, rows } of all) {
    expect([name, await finished(name)]).toMatchObject([
      name,
      {
        state: 'completed',
        rowsDone: 60,
        percent: 100,
        canary: { rows, handedOut: 60, state: 'passed', verdict: { rowsDone: 60 } },
      },
    ]);
    expect([name, new Set(handed).size]).toEqual([name, 60]);
  }
});

it('counts the records of a file whose total is an estimate', async () => {
  const handed: unknown[] = [];
  const { backfills, finished } = await bench.start({
    handlers: [canaried({ source: 'long csv', shape: 'batch', handed })],
  });
  await backfills.start('long-csv-batch', { canary: { rows: 12 } });
  expect(await finished('long-csv-batch')).toMatchObject({ rowsTotalKind: 'estimated', rowsDone: 12 });
  expect(new Set(handed).size).toBe(12);
});

describe('a source that cannot count', () => {
  const start = async (source: BackfillSource) => {
    const handler = defineBackfill({ name: NAME, source, processRange: () => undefined });
    const { backfills } = await bench.start({ handlers: [handler] });
    const started = backfills.start(NAME, { canary: { rows: 5 } });
    await expect(started).rejects.toMatchObject({ code: 'BACKFILL_REQUEST_INVALID', field: 'canary' });
    expect((await backfills.status(NAME)).state).toBe('idle');
    return started.catch((error: Error) => error.message);
  };

  it('is refused where it estimates', async () => {
    expect(await start({ ...numbers(10), estimatesRows: true })).toContain('has no method planExact');
  });

  it('is refused where its ranges are longer than batchSize', async () => {
    const source = numbers(10);
    expect(
      await start({
        ...source,
        plan: (...[context, request]: Parameters<BackfillSource['plan']>) =>
          source.plan(context, { ...request, batchSize: 4 }),
      }),
    ).toContain('at most 1 × 1 rows');
  });

  it('is refused where several rows share an id', async () => {
    expect(await start(idRange(Item, { key: 'touches' }) as never)).toContain('Use keyset()');
  });

  it('plans by planExact where it has that', async () => {
    const source = numbers(10);
    const handler = defineBackfill<never, { id: number }>({
      name: NAME,
      source: {
        ...source,
        estimatesRows: true,
        planExact: (...[context, request]: Parameters<BackfillSource['plan']>) =>
          source.plan(context, request),
      },
      config: QUICK,
      processBatch: () => undefined,
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME, { canary: { rows: 5 } });
    expect(await finished(NAME)).toMatchObject({ state: 'paused', rowsDone: 5 });
  });
});
