import { stripVTControlCharacters } from 'node:util';
import type { INestApplicationContext } from '@nestjs/common';
import { startApp } from '../../integration/cli/command-line.js';
import { createTestDatabase, createTestRedis } from '../../support/databases/index.js';
import { CommandLineProgram } from './program.js';

const database = await createTestDatabase();
const redis = await createTestRedis();
const services = { DATABASE_URL: database.url, REDIS_URL: redis.url };
const cli = new CommandLineProgram(services);
const NAME = 'weigh-parcels';
const CTRL_C = '\u0003';
const COLOR = new RegExp(`${String.fromCharCode(27)}\\[3\\dm`);
const STYLE = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`);
const HELD = ['perSecondOnPeak=0', 'perSecondOffPeak=0'];
const UNPACED = ['perSecondOnPeak=null', 'perSecondOffPeak=null'];
const watch = ['start', NAME, '--watch', '--interval', '50'];

beforeAll(async () => {
  await database.query('CREATE TABLE parcel (id int PRIMARY KEY, pieces int NOT NULL DEFAULT 1, weight int)');
  await database.query('INSERT INTO parcel SELECT generate_series(1, 100)');
});

// The tests of a group depend on each other. `test/integration/cli` has every command, in one process.
describe('the command line, as a program', () => {
  it('boots the app, writes to the pipe and ends by itself', async () => {
    const { code, out, err } = await cli.piped('list');

    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/weigh-parcels\s+idle/);
    expect(out).not.toMatch(COLOR);
  });

  it('reports no problem for a healthy app', async () => {
    const { code, out } = await cli.piped('doctor');

    expect({ code, problems: out.match(/✗.*/g) }).toEqual({ code: 0, problems: null });
    expect(out).toMatch(/✓ app: boots/);
  });

  it('keeps what one process sets for the next one', async () => {
    expect((await cli.piped('config', 'set', NAME, 'batchSize=20', ...HELD)).code).toBe(0);
    expect((await cli.piped('config', 'get', NAME)).out).toMatch(/batchSize\s+20\s+set/);
  });

  it.each([
    [['status', 'nothing', '--json'], 3, /"code":"BACKFILL_NOT_FOUND"/],
    [['frobnicate'], 2, /unknown command/],
    [
      ['list', '--app', 'test/integration/cli/app/main.ts'],
      2,
      /a file that starts the app when it is imported/,
    ],
    [['status', NAME, '--app', 'dist/nowhere.js'], 2, /Expected a built module at/],
  ])('exits %j with %d', async (words, expected, message) => {
    const { code, err, out } = await cli.piped(...words);

    expect({ code, out }).toEqual({ code: expected, out: '' });
    expect(err).toMatch(message);
  });

  it('prints colors on a terminal, and none when NO_COLOR is set', async () => {
    const [colored, plain] = [
      await cli.terminal(['list']),
      await cli.terminal(['list'], undefined, { NO_COLOR: '1' }),
    ];

    expect([colored.code, plain.code]).toEqual([0, 0]);
    expect(colored.screen).toMatch(STYLE);
    expect(plain.screen).not.toMatch(COLOR);
  });

  it('stops the watch and not the run on Ctrl-C', async () => {
    let typed = false;
    const { code, screen } = await cli.terminal(watch, (text, terminal) => {
      if (!typed && (text.match(/0\.0 %/g) ?? []).length >= 2) {
        typed = true;
        terminal.write(CTRL_C);
      }
    });

    expect({ code, typed }).toEqual({ code: 130, typed: true });
    expect(screen).toMatch(/░{10}/);
    expect(JSON.parse((await cli.piped('status', NAME, '--json')).out)).toMatchObject({ state: 'running' });
  });

  it('exits with runFailed when another process cancels the run that it watches', async () => {
    let cancelled: Promise<unknown> | undefined;
    await cli.piped('cancel', NAME);
    const { code, screen } = await cli.terminal(watch, (text) => {
      if (/0\.0 %/.test(text)) {
        cancelled ??= cli.piped('cancel', NAME);
      }
    });
    await cancelled;

    expect(code).toBe(5);
    expect(screen).toMatch(/cancelled/);
  });
});

describe('the command line, as a program beside a worker process', () => {
  let worker: INestApplicationContext;
  beforeAll(async () => {
    await database.query('UPDATE parcel SET pieces = 0 WHERE id = 42');
    worker = await startApp(services, 'worker');
  });
  afterAll(() => worker.close());

  it('exits start --watch with runFailed when the run fails', async () => {
    const { code, out } = await cli.piped(...watch, '--set', 'batchSize=10', ...UNPACED);

    expect(code).toBe(5);
    expect(out).toMatch(/^weigh-parcels is running, run /);
    expect(out).toMatch(/weigh-parcels {2}failed/);
    expect(out).toBe(stripVTControlCharacters(out));
  });

  it('shows the failure on a terminal', async () => {
    const { code, screen } = await cli.terminal(['failures', NAME, '--stack']);

    expect(code).toBe(0);
    expect(stripVTControlCharacters(screen)).toMatch(/id +kind +key +attempts +failed at +error/);
    expect(screen).toMatch(/division by zero[^]*\n {4}at /);
  });

  it('retries the failure after the cause is fixed, and watches the run to its end', async () => {
    await database.query('UPDATE parcel SET pieces = 1');

    expect((await cli.piped('retry', NAME)).out).toMatch(/^1 requeued in run \S+, which is /);
    const { code, out } = await cli.piped('status', NAME, '--watch', '--interval', '50');

    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/weigh-parcels {2}completed/) as string,
    });
  });

  it('draws a progress bar on a terminal until the run ends', async () => {
    const { code, screen } = await cli.terminal(watch);

    expect(code).toBe(0);
    expect(stripVTControlCharacters(screen)).toMatch(/█{30} 100\.0 % {2}100 of (about )?100 rows/);
  });

  it('prints each state of a watch as a line of JSON', async () => {
    const { code, out } = await cli.piped(...watch, '--json');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { state: string });

    expect(code).toBe(0);
    expect(lines.at(0)).toMatchObject({ state: 'running', changed: true });
    expect(lines.at(-1)).toMatchObject({ name: NAME, state: 'completed', percent: 100 });
  });
});
