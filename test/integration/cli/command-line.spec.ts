import { stripVTControlCharacters } from 'node:util';
import type { INestApplicationContext } from '@nestjs/common';
import { createTestDatabase, createTestRedis } from '../../support/databases/index.js';
import { CommandLine, startApp } from './command-line.js';

const database = await createTestDatabase();
const redis = await createTestRedis();
let app: INestApplicationContext;
let cli: CommandLine;
const NAME = 'weigh-parcels';
const STYLE = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`);
const COLOR = new RegExp(`${String.fromCharCode(27)}\\[3\\dm`);

const json = async (...words: string[]) => {
  const { code, out, err } = await cli.piped(...words, '--json');
  return { code, value: out === '' ? null : (JSON.parse(out) as Record<string, unknown>), err };
};

const runKey = async () => {
  const { value } = await json('status', NAME);
  const keys = await redis.client.keys(`*:_:run:${String(value?.['runId'])}`);
  return keys[0] ?? '';
};

beforeAll(async () => {
  await database.query('CREATE TABLE parcel (id int PRIMARY KEY, pieces int NOT NULL DEFAULT 1, weight int)');
  await database.query('INSERT INTO parcel SELECT generate_series(1, 100)');
  app = await startApp({ DATABASE_URL: database.url, REDIS_URL: redis.url }, 'operator');
  cli = new CommandLine(app);
});
afterAll(() => app.close());

// The tests depend on each other: each command sees the state that the previous ones left.
describe('the command line, piped', () => {
  it('lists without color', async () => {
    const { code, out } = await cli.piped('list');

    expect(code).toBe(0);
    expect(out).toMatch(/weigh-parcels\s+idle/);
    expect(out).not.toMatch(COLOR);
  });

  it('previews as JSON', async () => {
    const { code, value } = await json('preview', NAME, '--limit', '2', '--from', '50');

    expect(code).toBe(0);
    expect(value).toMatchObject({
      total: 5,
      ranges: [
        { begin: 41, end: 50 },
        { begin: 31, end: 40 },
      ],
    });
  });

  it('rehearses, and writes nothing', async () => {
    const { code, value } = await json('rehearse', NAME, '--rows', '3', '--from', '50', '--mask', 'pieces');

    expect(code).toBe(0);
    expect(value).toMatchObject({ untouched: 0, errors: [], committed: null });
    expect(value?.['rows']).toHaveLength(3);
    expect(JSON.stringify(value?.['rows'])).toMatch(/"pieces":"\*\*\*".*"changed":\["weight"\]/);
    expect((await cli.piped('rehearse', NAME, '--rows', '0')).code).toBe(2);
    expect(await database.query('SELECT 1 FROM parcel WHERE weight IS NOT NULL')).toEqual([]);
  });

  it('rehearses with values of the length that is asked for', async () => {
    await database.query(`ALTER TABLE parcel ADD note text NOT NULL DEFAULT repeat('x', 300)`);
    const noteOf = async (...options: string[]) => {
      const { value } = await json('rehearse', NAME, '--rows', '1', ...options);
      const [row] = (value?.['rows'] ?? []) as { before: { note: string } }[];
      return row?.before.note;
    };

    expect(await noteOf()).toBe(`${'x'.repeat(200)}… (300 characters)`);
    expect(await noteOf('--max-length', '5')).toBe('xxxxx… (300 characters)');
    expect(await noteOf('--whole')).toBe('x'.repeat(300));
    expect((await cli.piped('rehearse', NAME, '--max-length', '0')).code).toBe(2);
    const { out } = await cli.piped('rehearse', NAME, '--rows', '1', '--max-length', '2');
    expect(out).toMatch(/\+ weight: "10… \(3 characters\)"/);
    await database.query('ALTER TABLE parcel DROP note');
  });

  it('sets and gets the config', async () => {
    expect(await json('config', 'set', NAME, 'perSecondOnPeak=4', 'batchSize=20')).toMatchObject({
      code: 0,
      value: { config: { perSecondOnPeak: 4, batchSize: 20 } },
    });
    expect((await cli.piped('config', 'get', NAME)).out).toMatch(
      /batchSize +20 +set\n[^]*attempts +1 +@Backfill\nbackoffMs +1000 +default\n[^]*rowAckMs +500 +BackfillModule\n/,
    );
    expect((await cli.piped('config', 'set', NAME, 'quota={"max":50,"perMs":1000}')).out).toMatch(
      /quota\s+\{"max":50,"perMs":1000\}\s+set/,
    );
    expect((await cli.piped('config', 'set', NAME, 'quota=null')).out).toMatch(/quota\s+null\s+set/);
  });

  it('names every invalid field and changes nothing', async () => {
    const { code, err } = await cli.piped('config', 'set', NAME, 'batchSize=0', 'perSecond=4');

    expect(code).toBe(2);
    expect(err).toMatch(/batchSize: expected a whole number/);
    expect(err).toMatch(/perSecond: expected a known key/);
  });

  it.each<[string[], RegExp]>([
    [
      ['config', 'set', NAME, 'batchSize=0'],
      /Nothing was changed\. Repeat the command with these values corrected\./,
    ],
    [
      ['start', NAME, '--set', 'batchSize=0'],
      /No run was started\. Repeat the command with these values corrected\./,
    ],
    [['preview', NAME, '--set', 'batchSize=0'], /Repeat the command with these values corrected\./],
    [['preview', NAME, '--at', 'noon'], /expected --at to be/],
    [['preview', NAME, '--limit', '9999'], /expected --limit to be/],
    [['failures', NAME, '--after', '?'], /expected --after to be/],
    [['failures', NAME, '--search', 'x'.repeat(201)], /expected --search to be/],
    [['retry', NAME, '--group', 'x', '--id', 'y'], /expected --group to be/],
    [['history', NAME, '--before', 'x'], /expected --before to be/],
    [['history', NAME, '--type', 'pauzed'], /expected --type to be some of started/],
    [['start', NAME, '--finish-by', 'soon'], /expected --finish-by to be a time, such as 20/],
    [['start', NAME, '--finish-by', '2001-01-01'], /expected --finish-by to be a time in the future/],
    [['start', NAME, '--sweeps', '1'], /expected --sweeps to be/],
    [['start', NAME, '--dry-run', '--verify'], /expected --verify to be/],
    [['start', NAME, '--canary', '2000000000'], /expected --canary to be/],
    [['start', NAME, '--canary-max-failures', '1'], /Expected --canary <rows> beside --canary-max-failures/],
    [['hold', '--reason', 'x', '--until', 'soon'], /expected --until to be a time, such as 20/],
    [
      ['override', NAME, '--throttle', 'x', '--factor', '0'],
      /expected --throttle to be a throttle, of which it has none/,
    ],
    [['hold', '--reason', ''], /expected --reason to be/],
    [
      ['budget', '--set', 'concurrency=0', 'callsPerSecond.a=x'],
      /concurrency: expected a whole[^]*callsPerSecond\.a: expected a number[^]*Repeat the command with these values corrected\./,
    ],
    [['budget', '--set', 'callsPerSecond={"a":1}', 'callsPerSecond.b=1'], /Expected either callsPerSecond=/],
    [['budget', '--set', 'concurrency'], /Expected key=value such as concurrency=16/],
    [['resume', NAME, '--adopt-version', ''], /expected --adopt-version to be/],
  ])('words the error of %j for the command line', async (words, message) => {
    const { code, err } = await cli.piped(...words);

    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(message) as string });
    expect(err).not.toMatch(/configure\(|start\(|preview\(|expected (at|limit|after|verify|adoptVersion)/);
    const asJson = await cli.piped(...words, '--json');
    expect(JSON.parse(asJson.err)).toMatchObject({
      error: { message: expect.stringMatching(message) as string },
    });
  });

  it('names the command that corrects a corrupt config', async () => {
    const key = (await redis.client.keys('*')).find((it) => it.includes(`config:${NAME}`)) ?? '';
    const before = await redis.client.hget(key, 'batchSize');
    await redis.client.hset(key, 'batchSize', 'many');
    const { err } = await cli.piped('config', 'get', NAME);
    await redis.client.hset(key, 'batchSize', before ?? '20');

    expect(err).toMatch(/batchSize: expected .*\n.*nestjs-backfill config set weigh-parcels batchSize=/);
    expect(err).not.toMatch(/configure\(/);
  });

  it('starts a run, and rejects a second one', async () => {
    const finishBy = '2099-01-31T18:00:00.000Z';
    const request = ['--by', 'alice', '--reason', 'new scales', '--finish-by', finishBy];
    expect(await json('start', NAME, ...request)).toMatchObject({
      code: 0,
      value: { state: 'running', changed: true },
    });
    expect((await cli.piped('start', NAME)).code).toBe(4);
    expect(await json('runs', NAME)).toMatchObject({
      value: [{ startedBy: 'alice', reason: 'new scales', finishBy }],
    });
  });

  it('pauses, resumes and cancels', async () => {
    expect((await cli.piped('pause', NAME)).out).toMatch(/weigh-parcels is paused, run /);
    expect((await cli.piped('pause', NAME)).out).toMatch(/was already paused/);
    expect((await cli.piped('resume', NAME)).out).toMatch(/is running/);
    expect((await cli.piped('status', NAME)).out).toMatch(/0\.0 %/);
    expect((await cli.piped('cancel', NAME)).out).toMatch(/is cancelled/);
    expect((await cli.piped('resume', NAME)).code).toBe(4);
    const { value } = await json('history', NAME, '--type', 'paused', 'cancelled');
    expect(value).toMatchObject([{ type: 'cancelled' }, { type: 'paused' }]);
    const { out } = await cli.piped('history', NAME, '--limit', '1');
    expect(out).toMatch(
      /^at +type +run +by +reason +details\n.* cancelled .*\nnext page: --before \d+-\d+\n$/,
    );
    const before = / (\d+-\d+)\n$/.exec(out)?.[1] ?? '';
    expect((await cli.piped('history', NAME, '--before', before, '--limit', '1')).out).toContain(' resumed ');
    expect((await cli.piped('history', NAME, '--run', 'none')).out).toBe('No entries.\n');
  });

  it('holds all runs, says so, and releases them', async () => {
    expect((await cli.piped('hold')).code).toBe(2);
    await cli.piped('start', NAME);
    const words = ['hold', '--reason', 'incident 42', '--by', 'alice', '--until', '2099-12-31T12:00:00Z'];
    const line = 'held by alice: incident 42, since ';
    expect((await cli.piped(...words)).out).toContain(`all backfills are ${line}`);
    expect((await cli.piped(...words)).out).toContain(`all backfills were already ${line}`);
    const { out: list } = await cli.piped('list');
    expect(list).toMatch(
      /^All backfills are held by alice: incident 42, since .*, until 2099-12-31T12:00:00Z\n/,
    );
    expect((await cli.piped('status', NAME)).out).toContain('held with all backfills by alice: incident 42');
    expect((await cli.piped('history', '*')).out).toMatch(/ heldAll +- +alice +incident 42 /);
    expect((await cli.piped('rehearse', NAME)).code).toBe(4);
    expect((await cli.piped('release', '--by', 'bob')).out).toBe('all backfills are released\n');
    expect((await cli.piped('release')).out).toBe('nothing was held\n');
    const { value } = await json('history', NAME, '--type', 'heldAll', 'releasedAll');
    expect(value).toMatchObject([
      { type: 'releasedAll', data: { by: 'bob' } },
      { type: 'heldAll', data: { by: 'alice' } },
    ]);
    await cli.piped('cancel', NAME);
  });

  it('prints the budget, changes it, and says which runs use it', async () => {
    expect((await cli.piped('budget')).out).toMatch(
      /^limit +value +from\nconcurrency +none +default\n[^]*version 0\n\nNo run uses it\.\n$/,
    );
    const words = ['budget', '--by', 'alice', '--reason', 'busy', '--if-version', '0', '--set'];
    const { code, out } = await cli.piped(...words, 'rangesPerSecond=5', 'callsPerSecond.directory=20');
    expect(code).toBe(0);
    expect(out).toMatch(/rangesPerSecond +5 +set\n[^]*callsPerSecond\.directory +20 +set\nversion 1\n/);
    expect((await cli.piped(...words, 'concurrency=2')).code).toBe(4);
    expect((await cli.piped('history', '*', '--limit', '1')).out).toMatch(
      / budgetConfigured +- +alice +busy .*"rangesPerSecond":5/,
    );
    await cli.piped('start', NAME);
    // The app has no workers: nothing is claimed, so the run waits for nothing.
    await redis.client.hset(
      await runKey(),
      'budgetWait',
      `${Date.now()}|9999999999999|perTable|0.5||2|default`,
    );
    expect((await cli.piped('budget')).out).toMatch(
      /weigh-parcels +\S+ +2 +0 % +0 +perTable\n0 ranges in process/,
    );
    expect((await json('budget')).value).toMatchObject({
      limits: { rangesPerSecond: 5, callsPerSecond: { directory: 20 } },
      runs: [{ backfill: NAME, weight: 2, waiting: true, waitsFor: 'perTable' }],
    });
    await cli.piped('cancel', NAME);
    const reset = ['budget', '--set', 'rangesPerSecond=null', 'callsPerSecond={"directory":null}'];
    expect((await cli.piped(...reset)).out).toMatch(/callsPerSecond\.directory +none +set/);
  });

  it('lists and retries failures when there are none', async () => {
    expect((await cli.piped('failures', NAME)).out).toBe('No failures.\n');
    expect((await json('failures', NAME)).value).toEqual({ items: [], next: null });
    expect((await cli.piped('failures', NAME, '--groups')).out).toBe('No failures.\n');
    expect((await json('failures', NAME, '--groups')).value).toEqual({ total: 0, groups: [] });
    expect((await cli.piped('retry', NAME)).code).toBe(4);
  });

  it.each([
    [['status', 'nothing'], 3, /There is no backfill "nothing"/],
    [['frobnicate'], 2, /unknown command/],
    [['preview', NAME, '--limit', 'many'], 2, /--limit to be a whole number/],
    [['status', NAME, '--app', 'dist/nowhere.js'], 2, /Expected a built module at/],
  ])('exits %j with %d', async (words, expected, message) => {
    const { code, err, out } = await cli.piped(...words);

    expect({ code, out }).toEqual({ code: expected, out: '' });
    expect(err).toMatch(message);
  });

  it('prints errors as JSON', async () => {
    const { err } = await cli.piped('status', 'nothing', '--json');

    expect(JSON.parse(err)).toMatchObject({ error: { code: 'BACKFILL_NOT_FOUND' } });
  });

  it('reports no problem for a healthy app', async () => {
    const { code, out } = await cli.piped('doctor');

    expect({ code, problems: out.match(/✗.*/g) }).toEqual({ code: 0, problems: null });
    expect(out).toMatch(/✓ redis: maxmemory-policy is noeviction/);
  });

  it('prints help', async () => {
    expect((await cli.piped('--help')).out).toMatch(/Exit codes/);
  });
});

// The tests depend on each other. Each command runs once, for its text and its colors.
describe('the command line, on a terminal', () => {
  it.each<[string[], RegExp, number?]>([
    [['list'], /name +state +done[^]*weigh-parcels +(idle|cancelled)/],
    [
      ['rehearse', NAME, '--rows', '2'],
      /\d+\n {2}- weight: null\n {2}\+ weight: "\d+"\n[^]*2 rows in 2 batches: 2 changed, 0 untouched, 0 failed/,
    ],
    [['preview', NAME, '--limit', '1'], /range +from +to +runs at[^]*(5|10) ranges, 100 rows/],
    [
      ['config', 'set', NAME, 'batchSize=20', 'perSecondOnPeak=1', 'perSecondOffPeak=1'],
      /perSecondOnPeak +1 +set/,
    ],
    [['config', 'get', NAME], /batchSize +20 +set/],
    [['start', NAME, '--reason', 'again'], /weigh-parcels is running, run /],
    [['status', NAME], /weigh-parcels +running[^]*░{30} 0\.0 %[^]*rate 1\/s/],
    [['pause', NAME], /weigh-parcels is paused, run /],
    [['resume', NAME], /weigh-parcels is running, run /],
    [['retry', NAME], /0 requeued in run /],
    [['cancel', NAME], /weigh-parcels is cancelled, run /],
    [['runs', NAME, '--limit', '1'], /cancelled[^]*again/],
    [['doctor'], /✓ app: boots/],
    [['status', 'nothing'], /error: There is no backfill "nothing"/, 3],
  ])('%j', async (words, expected, answer = 0) => {
    const { code, screen } = await cli.terminal(words);

    expect({ code, text: stripVTControlCharacters(screen) }).toEqual({
      code: answer,
      text: expect.stringMatching(expected) as string,
    });
    expect(screen).toMatch(words[0] === 'retry' ? /./ : STYLE);
  });

  it('prints no color when NO_COLOR is set', async () => {
    const { code, screen } = await cli.terminal(['list'], undefined, { NO_COLOR: '1' });

    expect(code).toBe(0);
    expect(screen).not.toMatch(COLOR);
  });

  it('stops the watch and not the run on Ctrl-C', async () => {
    const { code, screen } = await cli.terminal(
      ['start', NAME, '--watch', '--interval', '100'],
      (text, command) => {
        if ((text.match(/0\.0 %/g) ?? []).length >= 2) {
          command.interrupt();
        }
      },
    );

    expect(code).toBe(130);
    expect(screen).toMatch(/░{10}/);
    expect((await json('status', NAME)).value).toMatchObject({ state: 'running' });
  });

  it('exits with runFailed when a watched run is cancelled', async () => {
    let cancelled: Promise<unknown> | undefined;
    await cli.piped('cancel', NAME);
    const { code, screen } = await cli.terminal(['start', NAME, '--watch', '--interval', '100'], (text) => {
      if (/0\.0 %/.test(text)) {
        cancelled ??= cli.piped('cancel', NAME);
      }
    });
    await cancelled;

    expect(code).toBe(5);
    expect(screen).toMatch(/cancelled/);
  });
});
