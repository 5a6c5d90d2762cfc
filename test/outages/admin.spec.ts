import { idRange } from 'nestjs-backfill';
import type { BackfillStatus, RunReceipt } from 'nestjs-backfill';
import { Redis } from 'ioredis';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../support/apps/index.js';
import { openEvents, startAdminApp } from '../support/admin/index.js';
import type { AdapterName, AdminApp, AdminAppSetup, ErrorBody } from '../support/admin/index.js';
import { openBrowser } from '../support/browser/index.js';
import { startPostgres } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';

const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
const READS = [
  '',
  '/held',
  '/held/config',
  '/held/preview',
  '/held/runs',
  '/held/runs/x',
  '/held/failures',
  '/held/samples',
  '/held/history',
  '/events',
];
const CHANGES: [string, string][] = [
  ['POST', '/held/start'],
  ['POST', '/held/pause'],
  ['POST', '/held/resume'],
  ['POST', '/held/cancel'],
  ['PATCH', '/held/config'],
  ['POST', '/held/failures/retry'],
];

const bench = await createAppBench();
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
});
afterAll(() => redis.stop());

const start = (adapter: AdapterName, setup: AdminAppSetup = {}) =>
  startAdminApp(bench, {
    adapter,
    admin: { path: 'ops', allowUnguarded: true, heartbeatMs: 50 },
    // A BullMQ worker whose connection is reconnecting closes slowly, which these tests do not measure.
    workers: false,
    servers: { redis: { connection: { host: redis.host, port: redis.port, db: 0 } } },
    handlers: [
      defineBackfill({ name: 'held', source: numbers(100), config: HELD, processRange: () => {} }),
      defineBackfill({ name: 'rows', source: idRange(Item), config: HELD, processRange: () => {} }),
    ],
    ...setup,
  });

/** The responses of all endpoints, none of which may wait for Redis. */
async function responses({ client }: AdminApp): Promise<[string, number, string?][]> {
  const answers = await Promise.all([
    ...READS.map(async (path) => [`GET ${path}`, await client.get<ErrorBody>(path)] as const),
    ...CHANGES.map(
      async ([method, path]) => [`${method} ${path}`, await client.send<ErrorBody>(method, path)] as const,
    ),
  ]);
  return answers.map(([what, { status, body }]) => [what, status, body.code]);
}

const ALL = [...READS.map((path) => `GET ${path}`), ...CHANGES.map((change) => change.join(' '))];

describe.each<AdapterName>(['express', 'fastify'])('without Redis, on %s', (adapter) => {
  it('every endpoint answers 503, nothing is executed after the outage, and service resumes', async () => {
    const admin = await start(adapter);
    try {
      const { body: run } = await admin.client.send<RunReceipt>('POST', '/held/start');
      const reader = await openEvents(`${admin.client.base}/events`, { 'last-event-id': '0-0' });
      await reader.until('a heartbeat', ({ comment }) => comment === 'alive');
      const history = await admin.client.get<{ id: string }[]>('/held/history');

      await redis.kill();
      expect(await responses(admin)).toEqual(ALL.map((what) => [what, 503, 'BACKFILL_REDIS_UNAVAILABLE']));
      const cancel = await admin.client.send<ErrorBody>('POST', '/held/cancel');
      expect(cancel.body).toEqual({
        statusCode: 503,
        message: 'Redis does not answer. Nothing was changed. Try again later.',
        error: 'Service Unavailable',
        code: 'BACKFILL_REDIS_UNAVAILABLE',
      });
      await reader.ended();
      expect((await admin.client.get('/ui')).status).toBe(200);

      await redis.restart();
      const recovered = await eventually(
        'the status',
        () => admin.client.get<BackfillStatus>('/held'),
        ({ status }) => status === 200,
      );
      expect(recovered.body).toMatchObject({ state: 'running', runId: run.runId });
      expect((await admin.client.get<{ id: string }[]>('/held/history')).body).toEqual(history.body);
      const again = await openEvents(`${admin.client.base}/events`);
      expect((await admin.client.send('POST', '/held/cancel')).status).toBe(200);
      await again.until('the cancel', ({ data }) => data?.includes('"cancelled"') === true);
      again.close();
    } finally {
      await admin.close();
    }
  });

  it('a Redis that hangs is treated as unavailable', async () => {
    const admin = await start(adapter);
    try {
      const reader = await openEvents(`${admin.client.base}/events`);
      await redis.pause();
      expect(await responses(admin)).toEqual(ALL.map((what) => [what, 503, 'BACKFILL_REDIS_UNAVAILABLE']));
      await reader.ended();
      await redis.resume();
      await eventually(
        'the list',
        () => admin.client.get(),
        ({ status }) => status === 200,
      );
    } finally {
      await redis.resume();
      await admin.close();
    }
  });
});

const VIEWS: [view: string, hash: string, kept: string][] = [
  ['the list', '', '.item[data-name="held"]'],
  ['one backfill', '#/held', '.detail-head'],
];

it.each(VIEWS)('the page loads, reports on %s the outage, and recovers', async (_, hash, kept) => {
  const admin = await start('express');
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    const connection = (text: string) => page.locator('#connection').filter({ hasText: text }).waitFor();
    await page.goto(`${admin.client.base}/ui${hash}`);
    await page.locator(kept).waitFor();
    await connection('Live');
    await redis.kill();
    const alert = page.getByRole('alert').filter({ hasText: 'Redis does not answer' });
    await alert.waitFor();
    await connection('Reconnecting');
    await page.locator(kept).waitFor();
    await page.reload();
    await alert.waitFor();
    await redis.restart();
    await page.locator(kept).waitFor();
    await alert.waitFor({ state: 'detached' });
    await connection('Live');
  } finally {
    await browser.close();
    await admin.close();
  }
});

it.each(VIEWS)(
  'the page says on %s that the app is away, and follows the one that comes',
  async (_, hash, kept) => {
    let admin = await start('express');
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      const connection = (text: string) => page.locator('#connection').filter({ hasText: text }).waitFor();
      await page.goto(`${admin.client.base}/ui${hash}`);
      await page.locator(kept).waitFor();
      await connection('Live');
      // The head may be there before the first answer is complete.
      await page.locator('.age').waitFor();
      await admin.close();
      await connection('Server away since');
      await page.locator('.age[data-old]').waitFor();
      await page.locator(kept).waitFor();
      admin = await start('express', { port: Number(new URL(admin.origin).port) });
      await connection('Live');
      await page.getByRole('alert').waitFor({ state: 'detached' });
      await admin.backfills.start('held');
      await admin.backfills.pause('held', { by: 'dora', reason: 'after the restart' });
      await page.locator('.words').filter({ hasText: 'by dora: after the restart' }).waitFor();
      await admin.backfills.cancel('held');
    } finally {
      await browser.close();
      await admin.close();
    }
  },
);

it('a Redis that is out of memory has a code of its own', async () => {
  const admin = await start('express');
  const client = new Redis(redis.url);
  try {
    await client.config('SET', 'maxmemory', '1');
    const { status, body } = await admin.client.send<ErrorBody>('POST', '/held/start');
    expect([status, body.code, body.error]).toEqual([503, 'BACKFILL_REDIS_FULL', 'Service Unavailable']);
    expect((await admin.client.get('/held')).status).toBe(200);
    await client.config('SET', 'maxmemory', '0');
    expect((await admin.client.send('POST', '/held/start')).status).toBe(201);
  } finally {
    await client.config('SET', 'maxmemory', '0');
    await client.quit();
    await admin.close();
  }
});

it('an unavailable database is named, and endpoints that do not need it work', async () => {
  const postgres = await startPostgres();
  const admin = await startAdminApp(bench, {
    admin: { path: 'ops', allowUnguarded: true },
    servers: { database: postgres },
    handlers: [defineBackfill({ name: 'rows', source: idRange(Item), config: HELD, processRange: () => {} })],
  });
  try {
    await postgres.kill();
    for (const answer of [
      await admin.client.get<ErrorBody>('/rows/preview'),
      await admin.client.send<ErrorBody>('POST', '/rows/start'),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([503, 'BACKFILL_DATABASE_UNAVAILABLE']);
    }
    expect((await admin.client.get('')).status).toBe(200);
  } finally {
    await admin.close();
    await postgres.stop();
  }
});
