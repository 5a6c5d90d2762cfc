import { jest } from '@jest/globals';
import { DirectoryServer } from '../../../sample/src/directory-service/directory.server.js';
import { companyOf } from '../../../sample/src/directory-service/company.js';
import { DirectoryClient } from '../../../sample/src/enrich-accounts/directory.client.js';
import { eventually } from '../../support/apps/index.js';
import { startSample } from './start-sample.js';

const NAME = 'enrich-accounts';

const { app, database, backfills, run, over } = await startSample();
const directory = app.get(DirectoryServer, { strict: false });

/** Domains are of one test only, so that calls can be counted. */
async function fill(test: string, count: number): Promise<string[]> {
  await database.query(
    `insert into accounts (id, created_at, email)
     select n, now() - n * interval '1 second', 'office@' || $1 || n || '.example'
       from generate_series(1, $2::int) as n`,
    [test, count],
  );
  return Array.from({ length: count }, (_, i) => `${test}${i + 1}.example`);
}

const enriched = async () => {
  const [row] = await database.query<{ done: number }>(
    'select count(*)::int as done from accounts where enriched_at is not null and rewrites = 1',
  );
  return row?.done;
};

/** Domains whose call failed: on a machine that stands still for seconds a call times out, and is made again. */
function failedCalls(): Set<string> {
  const client = app.get(DirectoryClient, { strict: false });
  const companyOf = client.companyOf.bind(client);
  const failed = new Set<string>();
  jest.spyOn(client, 'companyOf').mockImplementation(async (domain, signal) => {
    try {
      return await companyOf(domain, signal);
    } catch (error) {
      failed.add(domain);
      throw error;
    }
  });
  return failed;
}

beforeEach(() => database.query('truncate accounts'));
afterEach(() => {
  jest.restoreAllMocks();
});

describe('enrich-accounts', () => {
  it('asks the directory about each account once and stores the answer', async () => {
    const failed = failedCalls();
    const domains = await fill('each', 350);
    expect(await run(NAME, { batchSize: 40 })).toMatchObject({ state: 'completed', rowsDone: 350 });
    expect(await enriched()).toBe(350);
    expect(domains.filter((domain) => directory.callsFor(domain) !== 1 && !failed.has(domain))).toEqual([]);
    const [account] = await database.query('select company, industry, employees from accounts where id = 1');
    const { name: company, ...others } = companyOf('each1.example');
    expect(account).toEqual({ company, ...others });
  });

  it('reads from the directory in a dry run, and writes nothing', async () => {
    const domains = await fill('dry', 50);
    expect(await run(NAME, {}, { dryRun: true })).toMatchObject({ state: 'completed', rowsDone: 50 });
    expect(domains.filter((domain) => directory.callsFor(domain) === 0)).toEqual([]);
    expect(await enriched()).toBe(0);
  });

  it('keeps an account that the directory does not know, asked about once, and does the others', async () => {
    await fill('unknown', 100);
    await database.query(`update accounts set email = 'office@nobody.invalid' where id = 42`);
    expect(await run(NAME)).toMatchObject({ state: 'failed', rowsDone: 99, rowsFailed: 1 });
    expect(directory.callsFor('nobody.invalid')).toBe(1);
    const { items } = await backfills.failures(NAME);
    expect(items).toMatchObject([{ kind: 'row', error: { message: expect.stringContaining('404') } }]);

    await database.query(`update accounts set email = 'office@somebody.example' where id = 42`);
    await backfills.retryFailures(NAME);
    expect(await over(NAME)).toMatchObject({ state: 'completed', rowsDone: 100, rowsFailed: 0 });
    expect(await enriched()).toBe(100);
  });

  it('breaks its calls off on pause, and goes on where it was', async () => {
    await fill('pause', 300);
    directory.latency = 60_000;
    await backfills.start(NAME, { config: { batchSize: 20, perSecondOnPeak: null, perSecondOffPeak: null } });
    await eventually(
      'calls in flight',
      () => directory.waiting,
      (waiting) => waiting > 0,
    );
    await backfills.pause(NAME);
    await eventually(
      'calls to be broken off',
      () => directory.waiting,
      (waiting) => waiting === 0,
    );
    directory.latency = 0;
    await backfills.resume(NAME);
    expect(await over(NAME)).toMatchObject({ state: 'completed', rowsDone: 300, rowsFailed: 0 });
    expect(await enriched()).toBe(300);
  });
});
