import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, createTestRedis } from '../support/databases/index.js';
import { QuickStart } from './support/quick-start.js';
import { startOwnServices } from './support/quick-start-services.js';
import { nodeMajors } from './support/node-majors.js';
import { packedLibrary } from './support/tarball.js';

const COMPLETED = 'completed 100 % 10000/10000';
/** Lines of Nest's log come between the lines of the program, and may follow the last of them. */
const lastStatusOf = (printed: string) =>
  printed
    .trimEnd()
    .split('\n')
    .findLast((line) => !line.startsWith('[Nest]'));

const parent = await mkdtemp(join(tmpdir(), 'nestjs-backfill-quick-start-'));
const quickStart = new QuickStart(join(parent, 'quick-start'));
const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);

beforeAll(() => quickStart.install(packedLibrary()));
afterAll(() => rm(parent, { recursive: true, force: true, maxRetries: 3 }));

describe('the quick start of the README', () => {
  it('compiles, runs to the end and fills every row', async () => {
    const printed = await quickStart.start({ DATABASE_URL: database.url, REDIS_URL: redis.url });

    expect(lastStatusOf(printed)).toBe(COMPLETED);
    const [counts] = await database.query(
      `select count(*)::int as rows, count(*) filter (where email_domain = 'example.com')::int as filled from customers`,
    );
    expect(counts).toEqual({ rows: 10_000, filled: 10_000 });
  });

  it.each(nodeMajors())('does so on Node $version', async ({ env }) => {
    await database.query('drop table customers');
    await redis.client.flushdb();
    const services = { DATABASE_URL: database.url, REDIS_URL: redis.url, ...env };

    expect(lastStatusOf(await quickStart.start(services))).toBe(COMPLETED);
    expect(await quickStart.listRuns(services)).toMatch(/completed.*10,?000/);
  });

  it('does so on the services that it starts without Docker, and the command line shows the run', async () => {
    const services = await startOwnServices(quickStart.folder);
    try {
      expect(lastStatusOf(await quickStart.start(services.urls))).toBe(COMPLETED);
      expect(await quickStart.listRuns(services.urls)).toMatch(/completed.*10,?000/);
    } finally {
      await services.end();
    }
    await expect(quickStart.listRuns(services.urls)).rejects.toThrow('exit code 1');
  });
});
