import { BACKFILL_ENTITIES, keyset } from 'nestjs-backfill';
import { createLedgerBench, defineBackfill, eventually, Item } from '../../support/apps/index.js';

const bench = await createLedgerBench();
const NAME = 'verified-items';

it('goes on with a verification when Redis has lost the run in a sweep', async () => {
  await bench.database.query('INSERT INTO items (id) SELECT 2 * generate_series(1, 100)');
  let batches = 0;
  let release: () => void = () => undefined;
  const lost = new Promise<void>((resolve) => (release = resolve));
  const handler = defineBackfill<never, Item>({
    name: NAME,
    source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
    config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null },
    verify: { sample: 90, row: (row) => (row as Item).state === 'done' },
    processBatch: async (rows) => {
      batches++;
      if (batches === 8) await bench.database.query('INSERT INTO items (id) VALUES (1), (3), (999)');
      if (batches === 11) await lost;
      for (const row of rows) row.state = 'done';
    },
  });
  const { backfills, finished } = await bench.start({
    handlers: [handler],
    entities: [Item, ...BACKFILL_ENTITIES],
  });
  const { runId } = await backfills.start(NAME);
  await eventually(
    'the sweep to be in the ledger',
    () => bench.database.query('SELECT state, work FROM backfill_checkpoints'),
    ([checkpoint]) =>
      String((checkpoint?.['state'] as Record<string, string> | undefined)?.['verification']).includes(
        '"phase":"sweep"',
      ) && batches === 11,
  );

  await bench.loseRedis();
  release();
  await eventually(
    'the run to be restored',
    () => backfills.status(NAME),
    (status) => status.runId === runId && status.state !== 'idle',
  );
  expect(await finished(NAME)).toMatchObject({
    runId,
    state: 'completed',
    verified: { left: 0, sampled: 90, mismatched: 0 },
  });
  expect(await bench.database.query("SELECT id FROM items WHERE state = 'new'")).toEqual([]);
  await eventually(
    'the end to be kept',
    () => bench.database.query(`SELECT id FROM backfill_runs WHERE status = 'completed'`),
    (runs) => runs.length === 1,
  );
  await bench.client.flushall();
  const [run] = await eventually(
    'the run',
    () => backfills.runs(NAME),
    (runs) => runs.length === 1,
  );
  expect(run).toMatchObject({
    id: runId,
    status: 'completed',
    verified: { left: 0, swept: expect.any(Number) },
  });
});
