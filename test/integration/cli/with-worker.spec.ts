import { stripVTControlCharacters } from 'node:util';
import type { INestApplicationContext } from '@nestjs/common';
import { createTestDatabase, createTestRedis } from '../../support/databases/index.js';
import { CommandLine, startApp } from './command-line.js';

const database = await createTestDatabase();
const redis = await createTestRedis();
const services = { DATABASE_URL: database.url, REDIS_URL: redis.url };
const NAME = 'weigh-parcels';
let worker: INestApplicationContext;
let operator: INestApplicationContext;
let cli: CommandLine;

beforeAll(async () => {
  await database.query('CREATE TABLE parcel (id int PRIMARY KEY, pieces int NOT NULL DEFAULT 1, weight int)');
  await database.query('INSERT INTO parcel SELECT generate_series(1, 100)');
  await database.query('UPDATE parcel SET pieces = 0 WHERE id = 42');
  worker = await startApp(services, 'worker');
  operator = await startApp(services, 'operator');
  cli = new CommandLine(operator);
});
afterAll(() => Promise.all([worker.close(), operator.close()]));

const unpaced = ['--set', 'perSecondOnPeak=null', 'perSecondOffPeak=null'];

// The tests depend on each other: a run fails, its failure is listed, fixed and retried, and the next run succeeds.
describe('the command line beside a worker process', () => {
  it('exits start --watch with runFailed when the run fails', async () => {
    const { code, out } = await cli.piped('start', NAME, '--watch', '--interval', '50', ...unpaced);

    expect(code).toBe(5);
    expect(out).toMatch(/^weigh-parcels is running, run /);
    expect(out).toMatch(/weigh-parcels {2}failed/);
    expect(out).toBe(stripVTControlCharacters(out));
  });

  it.each(['piped', 'terminal'] as const)('shows the failure (%s)', async (kind) => {
    const words = ['failures', NAME, '--stack'];
    const { code, text } =
      kind === 'piped'
        ? await cli.piped(...words).then((it) => ({ code: it.code, text: it.out }))
        : await cli.terminal(words).then((it) => ({ code: it.code, text: it.screen }));

    expect(code).toBe(0);
    expect(stripVTControlCharacters(text)).toMatch(/id +kind +key +attempts +failed at +error/);
    expect(text).toMatch(/division by zero[^]*\n {4}at /);
    expect(text).toContain('42');
  });

  it('prints a page of failures as one line of JSON', async () => {
    const { out } = await cli.piped('failures', NAME, '--limit', '1', '--json');

    expect(out.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(out)).toMatchObject({
      items: [{ error: { message: expect.stringContaining('division by zero') as string } }],
    });
  });

  it('says which ids to retry are those of no failure', async () => {
    const { code, out } = await cli.piped('retry', NAME, '--id', 'nope', 'x');
    expect({ code, out }).toEqual({
      code: 1,
      out: expect.stringMatching(
        /^0 requeued in run \S+, which is failed\nNo failure of the run has the ids nope, x:/,
      ) as string,
    });

    const asJson = await cli.piped('retry', NAME, '--id', 'nope', '--json');
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.out)).toMatchObject({ retried: 0, changed: false, unknownIds: ['nope'] });
  });

  it('retries the failure after the cause is fixed, and watches the run to its end', async () => {
    await database.query('UPDATE parcel SET pieces = 1');

    expect((await cli.piped('retry', NAME)).out).toMatch(/^1 requeued in run \S+, which is /);
    const { code, out } = await cli.piped('status', NAME, '--watch', '--interval', '50');

    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/weigh-parcels {2}completed/) as string,
    });
    expect(await database.query('SELECT count(*)::int AS left FROM parcel WHERE weight IS NULL')).toEqual([
      { left: 0 },
    ]);
  });

  it('draws a progress bar on a terminal until the run ends', async () => {
    const watched = await cli.terminal(['start', NAME, '--watch', '--interval', '50']);

    expect(watched.code).toBe(0);
    expect(stripVTControlCharacters(watched.screen)).toMatch(/█{30} 100\.0 % {2}100 of (about )?100 rows/);

    const after = await cli.terminal(['status', '--watch', '--interval', '50']);
    expect({ code: after.code, text: stripVTControlCharacters(after.screen) }).toEqual({
      code: 0,
      text: expect.stringMatching(/weigh-parcels {2}completed/) as string,
    });
  });

  it('exits with success when the canary of a watched run passes, and resumes the run', async () => {
    const canary = ['--canary', '25', '--canary-max-failures', '0'];
    const { code, out } = await cli.piped('start', NAME, ...canary, '--watch', '--interval', '50');
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/canary passed: 25 rows handed out, no failures\n {4}took /) as string,
    });
    expect(out).toMatch(/25 of (about )?100 rows/);
    await cli.piped('resume', NAME);
    expect((await cli.piped('status', NAME, '--watch', '--interval', '50')).out).toMatch(
      /weigh-parcels {2}completed/,
    );
  });

  it('prints each state of a watch as a line of JSON', async () => {
    const { code, out } = await cli.piped('start', NAME, '--watch', '--interval', '50', '--json');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { state: string });

    expect(code).toBe(0);
    expect(lines.at(0)).toMatchObject({ state: 'running', changed: true });
    expect(lines.at(-1)).toMatchObject({ name: NAME, state: 'completed', percent: 100 });
  });
});
