import { setTimeout as sleep } from 'node:timers/promises';
import {
  createLedgerBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
  type NumberRow,
} from '../../support/apps/index.js';

const bench = await createLedgerBench();
const NAME = 'canaried';

it('a canary has its limit again after Redis lost everything, and its verdict in the ledger', async () => {
  const seen = new Set<number>();
  const handler = defineBackfill<NumberRange, NumberRow>({
    name: NAME,
    source: numbers(2_000),
    config: {
      batchSize: 7,
      concurrency: 2,
      maxOutstanding: 10,
      perSecondOnPeak: 100,
      perSecondOffPeak: 100,
    },
    processBatch: async (rows) => {
      await sleep(2);
      rows.forEach(({ id }) => seen.add(id));
    },
  });
  const { backfills, finished } = await bench.start({ handlers: [handler] });
  const { runId } = await backfills.start(NAME, { canary: { rows: 1_000, maxFailures: 3 } });
  await eventually(
    'a checkpoint',
    () => bench.database.query<{ rows: string }>('SELECT rows_done AS rows FROM backfill_runs'),
    ([row]) => Number(row?.rows) > 100,
  );
  await bench.loseRedis();
  const lost = seen.size;
  await eventually(
    'the run to be back',
    () => backfills.status(NAME),
    ({ state }) => state === 'running',
  );
  expect(await finished(NAME)).toMatchObject({
    state: 'paused',
    runId,
    rowsDone: 1_000,
    canary: { rows: 1_000, maxFailures: 3, handedOut: 1_000, state: 'passed', verdict: { rowsDone: 1_000 } },
  });
  expect(lost).toBeLessThan(1_000);
  expect(seen.size).toBe(1_000);

  const { canary } = await backfills.status(NAME);
  await backfills.cancel(NAME);
  await bench.loseRedis();
  expect(await backfills.runs(NAME)).toMatchObject([{ id: runId, canary }]);
});
