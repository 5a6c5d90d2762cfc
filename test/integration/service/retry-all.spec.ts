import { BackfillService, type RetryOptions } from 'nestjs-backfill';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { FailureStore } from '../../../lib/state/failure.store.js';
import { startAdminApp, type AdapterName } from '../../support/admin/index.js';
import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRow,
} from '../../support/apps/index.js';
import { sized } from '../../support/thorough.js';

const bench = await createAppBench();
/** Three pages or more. */
const ROWS = sized(1_200, 3_000);
/** Two pages or more. */
const FEWER = sized(600, 3_000);
/** One for all rows: most of the time of a failure goes into its stack. */
const STILL_BROKEN = new Error('still broken');
const config = {
  batchSize: 50,
  attempts: 1,
  maxInitialFailures: null,
  rowConcurrency: 20,
  concurrency: 4,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
};

/** Every row fails for as long as `broken` says so. */
const failing = (broken: () => boolean, rows = ROWS) =>
  defineBackfill<never, NumberRow>({
    name: 'failing',
    source: numbers(rows),
    config,
    processRow: () => {
      if (broken()) {
        throw STILL_BROKEN;
      }
    },
  });

describe('retryFailures', () => {
  it('ends where all of them fail again, and counts each once', async () => {
    const { backfills, finished } = await bench.start({ handlers: [failing(() => true, FEWER)] });
    await backfills.start('failing');
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: FEWER });
    expect(await backfills.retryFailures('failing')).toMatchObject({ retried: FEWER });
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: FEWER, rowsDone: 0 });
    expect(await backfills.retryFailures('failing')).toMatchObject({ retried: FEWER });
  });

  it('resumes the run once and ends it once, however fast the failures of a page fail again', async () => {
    const { app, backfills, finished } = await bench.start({ handlers: [failing(() => true)] });
    await backfills.start('failing');
    await finished('failing');
    const before = (await backfills.history('failing')).length;
    const store = app.get(FailureStore, { strict: false });
    const pieces = store.pieces.bind(store);
    let pages = 0;
    store.pieces = async (...args) => {
      pages++;
      await eventually(
        'the page before to have failed again',
        () => backfills.status('failing'),
        ({ outstanding }) => outstanding === 0,
      );
      return pieces(...args);
    };
    expect(await backfills.retryFailures('failing', { by: 'ada' })).toMatchObject({ retried: ROWS });
    expect(pages).toBeGreaterThan(2);
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: ROWS });
    const history = await backfills.history('failing');
    const types = history.slice(0, history.length - before).map(({ type }) => type);
    expect(types.toSorted()).toEqual(['failed', 'resumed', 'retried']);
  });

  it('a run whose retry died between two pages ends by itself', async () => {
    const { app, backfills, finished } = await bench.start({ handlers: [failing(() => true, 20)] });
    const { runId } = await backfills.start('failing');
    await finished('failing');
    const client = app.get(RedisConnections, { strict: false }).client;
    const keys = app.get(BackfillKeys, { strict: false });
    const [seconds] = await client.time();
    await client.hset(keys.run(runId), 'retryId', 'dead', 'retryUntil', (Number(seconds) + 3) * 1000);
    await backfills.retryFailures('failing');
    const { state } = await eventually(
      'the failures to have failed again',
      () => backfills.status('failing'),
      ({ rowsFailed, outstanding }) => rowsFailed === 20 && outstanding === 0,
    );
    expect(state).toBe('running');
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: 20 });
  });

  it('retries the failures of a group, and no other', async () => {
    let broken = true;
    const handler = defineBackfill<never, NumberRow>({
      name: 'failing',
      source: numbers(FEWER),
      config: { ...config, batchSize: 100 },
      processRow: ({ id }) => {
        if (broken) {
          throw id % 10 === 0 ? new Error(`no currency in ${id}`) : STILL_BROKEN;
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('failing');
    await finished('failing');
    broken = false;
    const { groups } = await backfills.failureGroups('failing');
    const group = String(groups.find(({ message }) => message === 'no currency in …')?.id);
    await expect(backfills.retryFailures('failing', { group, ids: ['x'] })).rejects.toThrow(
      /expected group to be/,
    );
    expect(await backfills.retryFailures('failing', { group: 'unknown' })).toMatchObject({
      retried: 0,
      changed: false,
    });
    expect(await backfills.retryFailures('failing', { group })).toMatchObject({ retried: FEWER / 10 });
    expect(await finished('failing')).toMatchObject({
      state: 'failed',
      rowsDone: FEWER / 10,
      rowsFailed: 0.9 * FEWER,
    });
    expect((await backfills.failureGroups('failing')).groups).toMatchObject([
      { message: 'still broken', count: 0.9 * FEWER },
    ]);
  });

  it('counts each failure once in all calls at once, and retries all', async () => {
    let broken = true;
    const { backfills, finished } = await bench.start({ handlers: [failing(() => broken, FEWER)] });
    await backfills.start('failing');
    await finished('failing');
    broken = false;
    const page = await backfills.failures('failing', { limit: 550 });
    const ids = page.items.map(({ id }) => id).filter((_, i) => i % 3 === 0);
    const receipts = await Promise.all([
      backfills.retryFailures('failing'),
      backfills.retryFailures('failing', { ids }),
      backfills.retryFailures('failing'),
    ]);
    expect(receipts.reduce((sum, { retried }) => sum + retried, 0)).toBe(FEWER);
    expect(await finished('failing')).toMatchObject({ state: 'completed', rowsDone: FEWER, rowsFailed: 0 });
    expect(await backfills.retryFailures('failing')).toMatchObject({ retried: 0, changed: false });
  });

  it('retries an id once that is given twice', async () => {
    const { backfills, finished } = await bench.start({ handlers: [failing(() => true, 10)] });
    await backfills.start('failing');
    await finished('failing');
    const [first] = (await backfills.failures('failing')).items;
    const ids = Array.from({ length: 600 }, () => first?.id ?? '');
    expect(await backfills.retryFailures('failing', { ids })).toMatchObject({ retried: 1 });
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: 10 });
  });

  it('retries no further page once its signal is aborted', async () => {
    const { backfills, finished } = await bench.start({ handlers: [failing(() => true, FEWER)] });
    await backfills.start('failing');
    await finished('failing');
    const { retried } = await backfills.retryFailures('failing', { signal: AbortSignal.abort() });
    expect(retried).toBeLessThan(FEWER);
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: FEWER });
  });

  it.each<AdapterName>(['express', 'fastify'])(
    'ends with its request when the client leaves: %s',
    async (adapter) => {
      const server = await startAdminApp(bench, {
        adapter,
        handlers: [failing(() => true, 1)],
      });
      try {
        const given: RetryOptions[] = [];
        server.app.get(BackfillService).retryFailures = (_, options) => {
          given.push(options ?? {});
          return new Promise(() => {});
        };
        const leaving = new AbortController();
        const request = fetch(`${server.client.base}/failing/failures/retry`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
          signal: leaving.signal,
        }).catch(() => 'left');
        await eventually(
          'the request',
          () => given.length,
          (length) => length === 1,
        );
        expect(given[0]?.signal?.aborted).toBe(false);
        leaving.abort();
        expect(await request).toBe('left');
        await eventually(
          'the signal',
          () => given[0]?.signal?.aborted,
          (aborted) => aborted === true,
        );
      } finally {
        await server.close();
      }
    },
  );
});
