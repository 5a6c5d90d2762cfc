import { setTimeout as sleep } from 'node:timers/promises';
import { createLedgerBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';

const bench = await createLedgerBench();

it('without the ledger a run that Redis lost is said to be lost, and another can be started', async () => {
  const handler = defineBackfill({
    name: 'walk',
    source: numbers(1000),
    config: { batchSize: 10, perSecondOnPeak: 50, perSecondOffPeak: 50 },
    processRange: () => sleep(5),
  });
  const options = { ledger: false };
  const { backfills, finished, logs } = await bench.start({ handlers: [handler], entities: [Item], options });
  const { runId } = await backfills.start('walk');
  await eventually(
    'it to begin',
    () => backfills.status('walk'),
    ({ done }) => done > 5,
  );
  await bench.loseRedis();
  const warning = `Run ${runId} is gone from Redis; start another, or use ledger: true`;
  expect(await backfills.status('walk')).toMatchObject({ state: 'idle', runId: null, warnings: [warning] });
  await eventually(
    'it to be logged',
    () => logs.having('is gone from Redis'),
    (lines) => lines.length > 0,
  );
  await sleep(2500);
  expect(logs.having('is gone from Redis')).toEqual([`error [walk run ${runId}] ${warning}`]);
  expect(await backfills.status('walk')).toMatchObject({ state: 'idle', warnings: [warning] });

  await backfills.start('walk', { config: { perSecondOnPeak: null, perSecondOffPeak: null } });
  expect(await finished('walk')).toMatchObject({ state: 'completed', done: 100, warnings: [] });
  expect(await backfills.runs('walk')).toEqual([expect.not.objectContaining({ changes: expect.anything() })]);
});
