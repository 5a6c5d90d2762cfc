import { createLedgerBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createLedgerBench();

it('keeps the number of missing rows when Redis has lost the run', async () => {
  const source = numbers(100);
  const handler = defineBackfill({
    name: 'walk',
    source: { ...source, load: async (...args) => (await source.load?.(...args))?.slice(1) ?? [] },
    config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null },
    processBatch: () => undefined,
  });
  const { backfills, finished } = await bench.start({ handlers: [handler] });
  const { runId } = await backfills.start('walk');
  await finished('walk');
  await eventually(
    'the end to be kept',
    () => bench.database.query(`SELECT id FROM backfill_runs WHERE status = 'failed'`),
    (runs) => runs.length === 1,
  );

  await bench.loseRedis();
  const [run] = await eventually(
    'the run',
    () => backfills.runs('walk'),
    (runs) => runs.length === 1,
  );
  expect(run).toMatchObject({
    id: runId,
    status: 'failed',
    statusReason: '10 rows that were planned were not loaded',
    rowsMissing: 10,
  });
  expect(await backfills.run('walk', runId)).toEqual(run);
});
