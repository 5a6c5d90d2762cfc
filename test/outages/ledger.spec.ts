import { setTimeout as sleep } from 'node:timers/promises';
import { BACKFILL_ENTITIES, createLedgerSchema } from 'nestjs-backfill';
import { Client } from 'pg';
import { createLedgerBench, defineBackfill, eventually, numbers } from '../support/apps/index.js';
import type { NumberRange } from '../support/apps/index.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';

const bench = await createLedgerBench();
let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
  const sql: string[] = [];
  await createLedgerSchema({ addSql: (statement) => sql.push(statement) });
  await query(sql.join('\n'));
});
afterAll(() => postgres.stop());

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

it('a database that is down never stops the work, is said once, and is caught up with later', async () => {
  let reachable: () => void = () => undefined;
  const isReachable = new Promise<void>((resolve) => {
    reachable = resolve;
  });
  const handler = defineBackfill<NumberRange>({
    name: 'walk',
    source: numbers(3000),
    config: { batchSize: 10, perSecondOnPeak: 100, perSecondOffPeak: 100 },
    // The run does not end before the outage does.
    processRange: async ({ high }) => {
      await (high <= 500 ? isReachable : sleep(1));
    },
  });
  const { backfills, finished, logs } = await bench.start({
    handlers: [handler],
    database: postgres,
    entities: [...BACKFILL_ENTITIES],
  });
  await backfills.start('walk');
  await eventually(
    'it to begin',
    () => backfills.status('walk'),
    ({ done }) => done > 20,
  );
  await postgres.kill();
  const before = await backfills.status('walk');
  await backfills.pause('walk', { by: 'ada' });
  await backfills.configure('walk', { batchSize: 20 }, { by: 'ada' });
  await backfills.resume('walk', { by: 'ada' });
  await eventually(
    'it to go on',
    () => backfills.status('walk'),
    ({ done }) => done > before.done + 50,
  );
  await sleep(2000);
  expect(logs.having('The ledger cannot be reached').filter((line) => line.startsWith('warn'))).toHaveLength(
    1,
  );
  expect((await backfills.runs('walk')).map(({ status }) => status)).toEqual(['running']);

  await postgres.restart();
  reachable();
  await finished('walk');
  const [row] = await eventually(
    'the ledger to catch up',
    () => query('SELECT * FROM backfill_runs'),
    ([run]) => run?.['status'] === 'completed',
  );
  expect(row).toMatchObject({ rows_done: '3000' });
  // The run may have been written with its last status before the change that tells of it.
  const kinds = await eventually(
    'the last change to be written',
    () => query('SELECT kind FROM backfill_changes ORDER BY at, id'),
    (changes) => changes.at(-1)?.['kind'] === 'completed',
  );
  expect(kinds.map(({ kind }) => kind)).toEqual(['started', 'paused', 'configured', 'resumed', 'completed']);
  const caughtUp = () => logs.having('The ledger is reachable again and has caught up');
  await eventually('the log to say so', caughtUp, ({ length }) => length > 0);
  expect(caughtUp()).toHaveLength(1);
});
