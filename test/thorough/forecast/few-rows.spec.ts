import { BACKFILL_JOURNAL_ENTITIES, keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item } from '../../support/apps/index.js';
import { onFileFinished } from '../../support/databases/release.js';
import { startPostgres } from '../../support/services/index.js';

// A server of its own: its write-ahead log is that of the runs alone.
const server = await startPostgres({ settings: { full_page_writes: true, autovacuum: false } });
const shared = process.env.DATABASE_URL;
process.env.DATABASE_URL = server.url;
onFileFinished(async () => {
  process.env.DATABASE_URL = shared;
  await server.stop();
});
const bench = await createAppBench();

const ROWS = 20_000;
const MOST = 0.15;

// Batches of 10, 50 and 100 rows: those of 50 split the full pages of an index when they are written again.
it.each([
  [50, 500],
  [250, 500],
  [500, 500],
  [50, 50],
  [500, 50],
])(
  'the log forecast from %i rows is that of a run with ranges of %i',
  async (rows, batchSize) => {
    const { database } = bench;
    await bench.fillItems(`SELECT generate_series(1, ${ROWS})`);
    await database.query('VACUUM ANALYZE items');
    await database.query('CHECKPOINT');
    const { backfills, finished } = await bench.start({
      entities: [Item, ...BACKFILL_JOURNAL_ENTITIES],
      handlers: [
        defineBackfill<never, Item>({
          name: 'items',
          source: keyset(Item, { orderBy: { id: 'asc' } }),
          config: { batchSize, concurrency: 1, perSecondOnPeak: 1_000, perSecondOffPeak: 1_000 },
          processBatch: (items) => items.forEach((item) => (item.touches = 1)),
        }),
      ],
    });
    await backfills.rehearse('items', { rows });
    await database.query('CHECKPOINT');
    await backfills.start('items');
    expect(await finished('items')).toMatchObject({ state: 'completed', rowsDone: ROWS });
    const { forecast } = await eventually(
      'its log to be recorded',
      () => backfills.status('items'),
      (status) => status.forecast?.actual.serverWalBytes !== null,
    );
    const [range, truth] = [forecast?.forecast.walBytes, forecast?.actual.serverWalBytes ?? NaN];
    const ratio = (range?.expected ?? NaN) / truth;
    process.stdout.write(
      `${rows} rows, ranges of ${batchSize}: ${JSON.stringify(range)}, truth ${truth}, ${ratio}\n`,
    );
    expect(Math.abs(ratio - 1)).toBeLessThanOrEqual(MOST);
  },
  120_000,
);
