import { BackfillService, type RetryOptions } from 'nestjs-backfill';
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
/** Several pages. */
const ROWS = sized(1_200, 3_000);
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
        throw new Error('still broken');
      }
    },
  });

describe('retryFailures', () => {
  it('ends where all of them fail again, and counts each once', async () => {
    const { backfills, finished } = await bench.start({ handlers: [failing(() => true)] });
    await backfills.start('failing');
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: ROWS });
    expect(await backfills.retryFailures('failing')).toMatchObject({ retried: ROWS });
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: ROWS, rowsDone: 0 });
    expect(await backfills.retryFailures('failing')).toMatchObject({ retried: ROWS });
  });

  it('counts each failure once in all calls at once, and retries all', async () => {
    let broken = true;
    const { backfills, finished } = await bench.start({ handlers: [failing(() => broken)] });
    await backfills.start('failing');
    await finished('failing');
    broken = false;
    const page = await backfills.failures('failing', { limit: 700 });
    const ids = page.items.map(({ id }) => id).filter((_, i) => i % 3 === 0);
    const receipts = await Promise.all([
      backfills.retryFailures('failing'),
      backfills.retryFailures('failing', { ids }),
      backfills.retryFailures('failing'),
    ]);
    expect(receipts.reduce((sum, { retried }) => sum + retried, 0)).toBe(ROWS);
    expect(await finished('failing')).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsFailed: 0 });
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
    const { backfills, finished } = await bench.start({ handlers: [failing(() => true)] });
    await backfills.start('failing');
    await finished('failing');
    const { retried } = await backfills.retryFailures('failing', { signal: AbortSignal.abort() });
    expect(retried).toBeLessThan(ROWS);
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: ROWS });
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
