import type { BackfillStatus, ForecastOutcome, ForecastRange } from 'nestjs-backfill';
import { MessageCipher } from '../../../sample/src/reencrypt-messages/message.cipher.js';
import { startSample } from '../../e2e/sample/start-sample.js';
import { eventually } from '../../support/apps/index.js';
import { onFileFinished } from '../../support/databases/release.js';
import { startPostgres } from '../../support/services/index.js';

// A server of its own: its write-ahead log is that of the runs alone.
const server = await startPostgres();
const shared = process.env.DATABASE_URL;
process.env.DATABASE_URL = server.url;
onFileFinished(async () => {
  process.env.DATABASE_URL = shared;
  await server.stop();
});
const { app, database, backfills, run } = await startSample();

const ROWS = 3_000;
/** 10 ranges in 20 seconds: so far below the speed of the handlers that other load of the machine hardly matters. */
const PACED = { batchSize: 300, perSecondOnPeak: 0.5, perSecondOffPeak: 0.5 };
/** How far the truth may be on a busy machine; the benchmark `forecast` holds a million rows to 20 and 15 %. */
const DURATION_FACTOR = 2;
const WAL_FACTOR = 1.5;

beforeAll(async () => {
  const cipher = app.get(MessageCipher, { strict: false });
  const bodies = Array.from({ length: ROWS }, (_, i) =>
    cipher.seal(BigInt(i + 1), Buffer.from(`message ${i + 1}`), cipher.keys.retiring.id),
  );
  await database.query(
    `insert into messages (id, key_id, body)
     select n, $1, body from unnest($2::bytea[]) with ordinality as sealed (body, n)`,
    [cipher.keys.retiring.id, bodies],
  );
  await database.query(
    `insert into accounts (id, created_at, email)
     select n, now() - n * interval '1 minute', 'a' || n || '@company.test' from generate_series(1, ${ROWS}) as n`,
  );
  await database.query(
    `insert into orders (id, created_at, shape, document)
     select gen_random_uuid(), now() - n * interval '1 minute', 1,
            jsonb_build_object('customer_name', 'C' || n, 'street', n || ' Harbour Road', 'postal_code', '4000',
              'city', 'Porto', 'country', 'PT', 'line1_sku', 'A', 'line1_quantity', 2, 'line1_price', 9.99)
       from generate_series(1, ${ROWS}) as n`,
  );
  await database.query('analyze');
});

const hasWal = ({ forecast }: BackfillStatus) => forecast?.actual.serverWalBytes !== null;

function row(what: string, range: ForecastRange | null, truth: number | null, scale: number): string {
  if (!range || truth === null) {
    return `  ${what}: not known`;
  }
  const [low, expected, high, true_] = [range.low, range.expected, range.high, truth].map((value) =>
    (value / scale).toFixed(2),
  );
  return `  ${what}: forecast ${expected} (${low} to ${high}), truth ${true_}, ratio ${(range.expected / truth).toFixed(2)}`;
}

function describeOutcome(name: string, { forecast, actual }: ForecastOutcome): string {
  return [
    name,
    row('duration, s', forecast.durationMs, actual.durationMs, 1_000),
    row('write-ahead log, MB', forecast.walBytes, actual.serverWalBytes, 1e6),
  ].join('\n');
}

function expectRatio(range: ForecastRange | null, truth: number | null, factor: number): void {
  const ratio = (range?.expected ?? NaN) / (truth ?? NaN);
  expect(ratio).toBeGreaterThan(1 / factor);
  expect(ratio).toBeLessThan(factor);
}

it.each(['reencrypt-messages', 'restructure-orders', 'enrich-accounts'])(
  'the forecast of %s beside the truth',
  async (name) => {
    await backfills.configure(name, PACED);
    const { forecast } = await backfills.rehearse(name, { rows: 500 });
    expect(forecast).toMatchObject({ rowsTotal: ROWS });
    expect(await run(name, PACED)).toMatchObject({ state: 'completed', rowsDone: ROWS });
    const status = await eventually('its log to be recorded', () => backfills.status(name), hasWal);
    const outcome = status.forecast as ForecastOutcome;
    process.stdout.write(`${describeOutcome(name, outcome)}\n`);
    const { forecast: expected, actual } = outcome;
    expectRatio(expected.durationMs, actual.durationMs, DURATION_FACTOR);
    expectRatio(expected.walBytes, actual.serverWalBytes, WAL_FACTOR);
  },
  120_000,
);
