import { fileURLToPath } from 'node:url';
import { createLedgerSchema } from 'nestjs-backfill';
import type { BackfillStatus } from 'nestjs-backfill';
import { Client } from 'pg';
import { CREATE_ITEMS, eventually } from '../support/apps/index.js';
import { RemoteProcess } from '../support/processes/index.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import type { BootSettings } from './boot-app.js';

let redis: RedisServer;
let postgres: PostgresServer;
const running: RemoteProcess[] = [];

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis({ appendonly: true }), startPostgres({ fsync: true })]);
  const ledger: string[] = [];
  await createLedgerSchema({ addSql: (statement) => ledger.push(statement) });
  await query(`
    ${CREATE_ITEMS};
    CREATE TABLE answers (answer text);
    ${ledger.join('\n')}`);
});
beforeEach(() =>
  query(`
    TRUNCATE items, answers;
    INSERT INTO items (id) SELECT generate_series(1, 100);
    INSERT INTO answers VALUES ('safe')`),
);
afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => child.kill()));
});
afterAll(() => Promise.all([redis.stop(), postgres.stop()]));

async function query<Row = unknown>(sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const result = (await client.query(sql)) as unknown as { rows: Row[] };
    return result.rows;
  } finally {
    await client.end();
  }
}

interface Answer<Body = { code?: string }> {
  readonly status: number;
  readonly body: Body;
}

/** Starts an app in a process of its own, and waits until it listens. */
async function boot(settings: Partial<BootSettings> = {}) {
  const all: BootSettings = {
    databaseUrl: postgres.url,
    redisPort: redis.port,
    keyPrefix: expect.getState().currentTestName?.replaceAll(/\W+/g, '-') ?? '',
    ledger: false,
    workers: true,
    ...settings,
  };
  const child = new RemoteProcess({
    module: new URL('./boot-app.ts', import.meta.url),
    execArgv: ['--import', fileURLToPath(new URL('../support/swc/register.js', import.meta.url))],
    env: { BOOT_SETTINGS: JSON.stringify(all) },
  });
  running.push(child);
  await child.ready;
  const url = await child.call<string>('url');
  const send = async <Body>(method: string, path: string): Promise<Answer<Body>> => {
    const response = await fetch(`${url}/${path}`, { method });
    return { status: response.status, body: (await response.json()) as Body };
  };
  return {
    get: <Body = { code?: string }>(path: string) => send<Body>('GET', path),
    post: <Body = { code?: string }>(path: string) => send<Body>('POST', path),
    having: (text: string) => child.logs.filter((line) => line.includes(text)),
  };
}

type BootedApp = Awaited<ReturnType<typeof boot>>;

const codeOf = async (answer: Promise<Answer>) => {
  const { status, body } = await answer;
  return [status, body.code];
};
const NO_REDIS = [503, 'BACKFILL_REDIS_UNAVAILABLE'];
const NO_DATABASE = [503, 'BACKFILL_DATABASE_UNAVAILABLE'];

async function expectHealth({ get }: BootedApp, status: number): Promise<void> {
  await eventually(
    `health to answer ${status}`,
    () => get('health'),
    (answer) => answer.status === status,
  );
}

async function finished({ get }: BootedApp, name: string): Promise<BackfillStatus> {
  const { body } = await eventually(
    `${name} to be over`,
    () => get<BackfillStatus>(`ops/${name}`),
    (answer) => answer.status === 200 && answer.body.state !== 'running' && answer.body.state !== 'idle',
  );
  return body;
}

/** Everything works without a restart. */
async function expectToWork(app: BootedApp): Promise<void> {
  await expectHealth(app, 200);
  for (const name of ['items', 'asks']) {
    await eventually(
      `${name} to start`,
      () => app.post(`ops/${name}/start`),
      ({ status }) => status === 201,
    );
    expect(await finished(app, name)).toMatchObject({ state: 'completed', failed: 0, rowsFailed: 0 });
  }
  const counted = await query(`
    SELECT count(*) FILTER (WHERE state = 'done')::int AS done, sum(touches)::int AS touches FROM items`);
  expect(counted).toEqual([{ done: 100, touches: 50 }]);
}

const waitingForRedis = 'Redis does not answer. The app starts; backfills start when it answers';
const waitingForDatabase =
  'The database does not answer. The app starts; these backfills are checked and start when it answers: "asks", "held"';

describe.each([false, true])('an app that starts (ledger: %s)', (ledger) => {
  it.each(['gone', 'frozen'])('without Redis, which is %s', async (how) => {
    await (how === 'gone' ? redis.kill() : redis.pause());
    try {
      const app = await boot({ ledger });
      expect(await app.get('own')).toMatchObject({ status: 200 });
      expect(await app.get('health')).toMatchObject({ status: 503 });
      expect(await codeOf(app.get('ops'))).toEqual(NO_REDIS);
      expect(await codeOf(app.post('ops/items/start'))).toEqual(NO_REDIS);
      expect(app.having('does not answer')).toEqual([expect.stringContaining(waitingForRedis)]);
      await (how === 'gone' ? redis.restart() : redis.resume());
      await expectToWork(app);
      expect(app.having('Redis answers: backfills have started')).toHaveLength(1);
    } finally {
      await redis.resume().catch(() => redis.restart());
    }
  });

  it.each(['gone', 'frozen'])('without the database, which is %s', async (how) => {
    await (how === 'gone' ? postgres.kill() : postgres.pause());
    try {
      const app = await boot({ ledger });
      expect(await app.get('own')).toMatchObject({ status: 200 });
      expect(await app.get('health')).toMatchObject({
        status: 503,
        body: { error: { backfills: { message: expect.stringMatching(/^The database/) } } },
      });
      expect(await app.get('ops')).toMatchObject({ status: 200 });
      expect(await codeOf(app.get('ops/asks/preview'))).toEqual(NO_DATABASE);
      expect(await codeOf(app.post('ops/asks/start'))).toEqual(NO_DATABASE);
      if (how === 'gone') {
        expect(await codeOf(app.get('ops/items/preview'))).toEqual(NO_DATABASE);
        expect(await codeOf(app.post('ops/items/start'))).toEqual(NO_DATABASE);
      }
      expect(app.having(waitingForDatabase)).toHaveLength(1);
      await (how === 'gone' ? postgres.restart() : postgres.resume());
      await expectToWork(app);
      expect(app.having('Backfill "asks" handled by')).toHaveLength(1);
    } finally {
      await postgres.resume().catch(() => postgres.restart());
    }
  });

  it('without both, which come back one after the other', async () => {
    await Promise.all([redis.kill(), postgres.kill()]);
    const app = await boot({ ledger });
    expect(await app.get('own')).toMatchObject({ status: 200 });
    expect(await app.get('health')).toMatchObject({ status: 503 });
    expect(await codeOf(app.get('ops/asks/preview'))).toEqual(NO_REDIS);
    expect(app.having(waitingForRedis)).toHaveLength(1);
    expect(app.having(waitingForDatabase)).toHaveLength(1);
    await redis.restart();
    await eventually(
      'the list',
      () => app.get('ops'),
      ({ status }) => status === 200,
    );
    expect(await codeOf(app.get('ops/asks/preview'))).toEqual(NO_DATABASE);
    await postgres.restart();
    await expectToWork(app);
  });
});

it('goes on with a run that was under way, once both answer', async () => {
  const before = await boot({ workers: false });
  await before.post('ops/held/start');
  await Promise.all(running.splice(0).map((child) => child.kill()));
  await Promise.all([redis.kill(), postgres.kill()]);
  const app = await boot();
  await redis.restart();
  // It waits, and is not paused for want of workers.
  const waiting = await eventually(
    'the status',
    () => app.get<BackfillStatus>('ops/held'),
    ({ status }) => status === 200,
  );
  expect(waiting.body).toMatchObject({ state: 'running', done: 0 });
  expect(waiting.body.warnings.join()).toContain('the database has not answered since the app was started');
  await postgres.restart();
  expect(await finished(app, 'held')).toMatchObject({ state: 'completed' });
});

it('holds a backfill whose checks refuse it once the database answers, and says why', async () => {
  const before = await boot({ workers: false });
  await before.post('ops/held/start');
  await Promise.all(running.splice(0).map((child) => child.kill()));
  await query(`UPDATE answers SET answer = 'unsafe'; UPDATE items SET touches = 0`);
  await postgres.kill();
  const app = await boot();
  await postgres.restart();
  const reason = 'its checks have refused it: The rows of "held" are unsafe: expected safe ones';
  const status = await finished(app, 'held');
  expect(status).toMatchObject({ state: 'paused', stateReason: expect.stringContaining(reason), done: 0 });
  expect(status.warnings.join()).toContain(reason);
  expect(app.having('Backfill "held" is refused').filter((line) => line.startsWith('error'))).toHaveLength(1);
  for (const path of ['ops/held/resume', 'ops/asks/start']) {
    expect(await codeOf(app.post(path))).toEqual([500, 'BACKFILL_DEFINITION_INVALID']);
  }
  expect(await query('SELECT sum(touches)::int AS touches FROM items')).toEqual([{ touches: 0 }]);
  // The others work.
  await app.post('ops/items/start');
  expect(await finished(app, 'items')).toMatchObject({ state: 'completed' });
});
