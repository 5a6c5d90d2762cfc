import { setTimeout as sleep } from 'node:timers/promises';
import { idRange, keyset, NonRetryableError } from 'nestjs-backfill';
import type { BackfillSource } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'count-items';
const config = {
  batchSize: 10,
  attempts: 1,
  backoffMs: 0,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
};

interface Row {
  readonly id: number;
}

/** A source that plans all rows and does not load those whose id is a multiple of 10. */
function losing(planned: object): BackfillSource<never, Row> {
  const source = planned as BackfillSource<never, Row>;
  const lossy: Pick<BackfillSource<never, Row>, 'load'> = {
    load: async (...args) => ((await source.load?.(...args)) ?? []).filter(({ id }) => id % 10 !== 0),
  };
  return Object.assign(Object.create(source) as BackfillSource<never, Row>, lossy);
}

const ascending = () => keyset(Item, { orderBy: { id: 'asc' } });

describe('rows that are planned and not handed out', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(1, 100)'));

  it.each<[shape: string, handler: object]>([
    ['row', { processRow: () => undefined }],
    ['batch', { processBatch: () => undefined }],
  ])('are counted for a %s handler, and the run does not end as completed', async (_, handler) => {
    const { backfills, finished, logs } = await bench.start({
      handlers: [defineBackfill({ name: NAME, source: losing(numbers(100)), config, ...handler })],
    });
    await backfills.start(NAME);

    const status = await finished(NAME);
    expect(status).toMatchObject({
      state: 'failed',
      stateReason: expect.stringMatching(/10 rows that were planned were not loaded/),
      rowsDone: 90,
      rowsFailed: 0,
      rowsMissing: 10,
      percent: 90,
    });
    expect(status.warnings.join()).toMatch(/10 rows were planned, but were not loaded for the handler/);
    expect(await backfills.runs(NAME)).toMatchObject([{ status: 'failed', rowsMissing: 10 }]);
    expect(logs.having('1 of 10 planned rows were not loaded')).not.toEqual([]);
  });

  it('are no rows that the app has deleted or changed since they were planned', async () => {
    const held = (hold: boolean) =>
      defineBackfill<never, Item>({
        name: NAME,
        source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
        config,
        processRow: async (_, { signal }) => {
          if (hold) await sleep(600_000, undefined, { signal, ref: false });
        },
      });
    const first = await bench.start({ handlers: [held(true)], options: { shutdownTimeout: 300 } });
    await first.backfills.start(NAME);
    await eventually(
      'all ranges',
      () => first.backfills.status(NAME),
      ({ planned }) => planned === 10,
    );
    await first.backfills.pause(NAME);
    await first.close();
    await bench.database.query('DELETE FROM items WHERE id BETWEEN 5 AND 27');
    await bench.database.query(`UPDATE items SET state = 'old' WHERE id BETWEEN 91 AND 95`);
    const { backfills, finished } = await bench.start({ handlers: [held(false)] });
    await backfills.resume(NAME);

    expect(await finished(NAME)).toMatchObject({
      state: 'completed',
      rowsDone: 72,
      rowsMissing: 0,
      percent: 100,
      warnings: [],
    });
  });

  it('are told apart from deleted ones by a count of the range', async () => {
    const { backfills, finished } = await bench.start({
      handlers: [
        defineBackfill<never, Row>({
          name: NAME,
          source: losing(deletingAfterPlan(ascending())),
          config,
          processBatch: () => undefined,
        }),
      ],
    });
    await backfills.start(NAME);

    // Of each ten, the one that ends with 0 is not loaded, and those that end with 3 and 7 are deleted.
    expect(await finished(NAME)).toMatchObject({ state: 'failed', rowsDone: 70, rowsMissing: 10 });
  });

  it('are counted once where the range is acknowledged in parts, retried and split', async () => {
    const rows = defineBackfill<never, Row>({
      name: 'rows',
      source: losing(ascending()),
      config: { ...config, rowAckMs: 10, rowConcurrency: 2, attempts: 3 },
      processRow: async ({ id }, { attempt }) => {
        await sleep(20);
        if (id % 10 === 4 && attempt <= (id < 50 ? 2 : 1)) throw new Error('not yet');
      },
    });
    const batches = defineBackfill<never, Row>({
      name: 'batches',
      source: losing(ascending()),
      config: { ...config, attempts: 2 },
      processBatch: (batch) => {
        if (batch.some(({ id }) => id % 10 === 4)) throw new NonRetryableError('never');
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [rows, batches] });
    await backfills.start('rows');
    await backfills.start('batches');

    expect(await finished('rows')).toMatchObject({ state: 'failed', rowsDone: 90, rowsMissing: 10 });
    expect(await finished('batches')).toMatchObject({
      state: 'failed',
      rowsDone: 80,
      rowsFailed: 10,
      rowsMissing: 10,
    });
  });

  it('are none of the ids that idRange plans and no row has', async () => {
    await bench.fillItems('SELECT 3 * generate_series(1, 100)');
    const { backfills, finished } = await bench.start({
      handlers: [
        defineBackfill<never, Row>({
          name: NAME,
          source: idRange(Item),
          config,
          processRow: () => undefined,
        }),
      ],
    });
    await backfills.start(NAME);

    expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: 100, rowsMissing: 0 });
  });

  it('are none of a source that estimates its rows', async () => {
    const source: BackfillSource<never, Row> = losing(numbers(100));
    const { backfills, finished } = await bench.start({
      handlers: [
        defineBackfill<never, Row>({
          name: NAME,
          source: Object.assign(Object.create(source) as BackfillSource<never, Row>, {
            open: async (...args: Parameters<BackfillSource['open']>) => ({
              partitions: (await source.open(...args)).partitions,
              total: { rows: 100, exact: false },
            }),
          }),
          config,
          processRow: () => undefined,
        }),
      ],
    });
    await backfills.start(NAME);

    expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: 90, rowsMissing: 0 });
  });
});

/** Deletes rows of each page once it is planned. */
function deletingAfterPlan(source: object): object {
  const planning = source as BackfillSource;
  return Object.assign(Object.create(source) as object, {
    plan: async (...args: Parameters<BackfillSource['plan']>) => {
      const plan = await planning.plan(...args);
      await bench.database.query('DELETE FROM items WHERE id % 10 IN (3, 7)');
      return plan;
    },
  });
}
