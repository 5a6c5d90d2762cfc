import { keyset, RateLimitedError } from 'nestjs-backfill';
import type { BackfillConfigPatch, BackfillFailure, BackfillStatus } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';
import { CONDITION_MS, TEST_MS } from '../../support/deadlines.js';
import { ThirdPartyServer } from './third-party.server.js';
import type { LoggedCall } from './third-party.server.js';

const QUOTA = 50;
/** `THIRD_PARTY_ROWS=20000` is the whole measurement, of seven minutes. */
const WHOLE = 20_000;
const ROWS = Number(process.env['THIRD_PARTY_ROWS'] ?? 2_000);
const ROWS_BEYOND = 1_500;
// The wait for the end of a run, and what the test does around it.
const WITHIN_MS = CONDITION_MS + (ROWS / QUOTA) * 2_000;
const TIMEOUT_MS = TEST_MS + WITHIN_MS;

const bench = await createAppBench();
const refuses = (id: number) => id % 1000 === 100;

/** Enriches every row by one call each, until the run is over. */
async function enrich(
  rows: number,
  config: BackfillConfigPatch,
  latencyMs: number,
  exhausted: (call: number) => boolean = () => false,
) {
  await bench.fillItems(`SELECT generate_series(1, ${rows})`);
  const server = new ThirdPartyServer({
    perSecond: QUOTA,
    latencyMs,
    errors: 0.02,
    hangs: 0.01,
    refuses,
    exhausted,
  });
  const url = await server.listen();
  const enriching = defineBackfill<never, Item>({
    name: 'enriching',
    source: keyset(Item, { orderBy: { id: 'asc' } }),
    config: {
      perSecondOnPeak: null,
      perSecondOffPeak: null,
      batchSize: 200,
      rowConcurrency: 25,
      rowTimeoutMs: 2_000,
      ...config,
    },
    processRow: async (row, { signal }) => {
      const response = await fetch(`${url}/scores/${row.id}`, { signal });
      RateLimitedError.throwIf(response);
      if (!response.ok) {
        throw new Error(`The API answered ${response.status} for row ${row.id}`);
      }
      row.state = String(((await response.json()) as { score: number }).score);
      row.touches++;
    },
  });
  const { backfills, finished, close } = await bench.start({ handlers: [enriching] });
  try {
    await backfills.start('enriching');
    const status = await finished('enriching', WITHIN_MS);
    const failures = (await backfills.failures('enriching', { limit: 1000 })).items;
    return { status, failures, log: server.log };
  } finally {
    await close();
    await server.close();
  }
}

const rowsInTable = () => bench.database.query<Item>('SELECT * FROM items ORDER BY id');

async function expectAllDoneOrQuarantined(
  rows: number,
  { status, failures }: { status: BackfillStatus; failures: readonly BackfillFailure[] },
) {
  const table = await rowsInTable();
  const done = table.filter(({ touches }) => touches === 1);
  expect(done.every(({ id, state }) => state === String(id * 7))).toBe(true);
  const failed = failures.map(({ key }) => Number(key)).toSorted((a, b) => a - b);
  expect(failed).toEqual(table.filter(({ touches }) => touches === 0).map(({ id }) => id));
  expect(table.filter(({ id }) => refuses(id)).every(({ id }) => failed.includes(id))).toBe(true);
  expect(failures.every(({ error }) => /answered (422|500)|rowTimeoutMs/.test(error.message))).toBe(true);
  expect(status).toMatchObject({ rowsDone: done.length, rowsFailed: failed.length });
  expect(done.length + failed.length).toBe(rows);
}

/** Calls beyond the quota that came more than a second after a 429, until it was over. */
function callsDuringRefusal(log: readonly LoggedCall[], retryAfterMs: number): LoggedCall[] {
  return log.filter(({ at, status }) => {
    if (status !== 429) {
      return false;
    }
    return log.some((other) => other.status === 429 && at - other.at > 1_000 && at - other.at < retryAfterMs);
  });
}

describe('a third party with a quota', () => {
  it(
    `has ${ROWS} rows enriched within its quota, every one done or kept with its error`,
    async () => {
      const outcome = await enrich(ROWS, { quota: { max: QUOTA, perMs: 1000 } }, 40);
      await expectAllDoneOrQuarantined(ROWS, outcome);
      const { log } = outcome;
      const seconds = ((log.at(-1)?.at ?? 0) - (log[0]?.at ?? 0)) / 1000;
      const served = log.filter(({ status }) => status !== 429).length;
      const share = served / seconds / QUOTA;
      // Never beyond the quota is for every machine; how near it comes is only told.
      expect(served).toBeLessThanOrEqual(QUOTA * (seconds + 1));
      if (ROWS >= WHOLE) {
        const refused = log.length - served;
        process.stdout.write(
          `${served} calls in ${seconds.toFixed(1)} s: ${share.toFixed(3)} of the quota, ${refused} refused, ` +
            `${outcome.status.rowsDone} rows done, ${outcome.status.rowsFailed} kept with their error\n`,
        );
      }
      expect(callsDuringRefusal(log, 2_000)).toEqual([]);
      expect(log.filter(({ status }) => status === 429).length / log.length).toBeLessThan(0.05);
    },
    TIMEOUT_MS,
  );

  it(
    'has its rows done even where the quota is set to twice of what it allows',
    async () => {
      // Some are refused at any rate: a slow machine may not reach the quota.
      const exhausted = (call: number) => call % 100 === 50;
      const outcome = await enrich(ROWS_BEYOND, { quota: { max: 2 * QUOTA, perMs: 1000 } }, 20, exhausted);
      await expectAllDoneOrQuarantined(ROWS_BEYOND, outcome);
      expect(outcome.log.some(({ status }) => status === 429)).toBe(true);
      // A 429 is no attempt: rows that were refused a few times are done all the same.
      expect(outcome.failures.every(({ error }) => !error.message.includes('429'))).toBe(true);
    },
    TIMEOUT_MS,
  );
});
