import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/core';
import type { AbstractSqlConnection, EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { Client } from 'pg';
import { BACKFILL_ENTITIES, createLedgerSchema, idRange, OnBackfill } from 'nestjs-backfill';
import type { BackfillContext, BackfillThrottle } from 'nestjs-backfill';
import {
  CREATE_ITEMS,
  defineBackfill,
  eventually,
  Item,
  numbers,
  startBackfillApp,
} from '../support/apps/index.js';
import type { BackfillApp, BackfillAppSetup, NumberRange } from '../support/apps/index.js';
import { startPostgres, startRedis } from '../support/services/index.js';
import type { PostgresServer, RedisServer } from '../support/services/index.js';

/** An app that closes does so long before this, on a slow machine, too. */
const CLOSES_WITHIN_MS = 30_000;
const FAST = { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null };

let postgres: PostgresServer;
let redis: RedisServer;
let test = 0;
const apps: BackfillApp[] = [];

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres({ maxConnections: 100 }), startRedis()]);
  const sql: string[] = [];
  await createLedgerSchema({ addSql: (statement) => sql.push(statement) });
  await query(
    `${sql.join(';\n')};
     ${CREATE_ITEMS};
     INSERT INTO items (id) SELECT generate_series(1, 1000)`,
  );
});
beforeEach(() => {
  test++;
});
afterEach(async () => {
  await Promise.all([redis.resume(), postgres.resume()]);
  // Those of a test that failed may never close.
  const closed = Promise.allSettled(apps.splice(0).map((app) => app.close()));
  await Promise.race([closed, sleep(CLOSES_WITHIN_MS, undefined, { ref: false })]);
});
afterAll(async () => {
  await Promise.all([postgres.stop(), redis.stop()]);
});

async function query<Row>(sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

async function start(setup: Partial<BackfillAppSetup>): Promise<BackfillApp> {
  const app = await startBackfillApp({
    database: postgres,
    redis: { connection: { host: redis.host, port: redis.port, db: 0 } },
    ...setup,
    options: { keyPrefix: `closing-${test}`, shutdownTimeout: 200, ...setup.options },
  });
  apps.push(app);
  return app;
}

async function expectToClose(close: Promise<unknown>): Promise<void> {
  const closed = close.then(() => 'closed');
  expect(await Promise.race([closed, sleep(CLOSES_WITHIN_MS, 'still closing', { ref: false })])).toBe(
    'closed',
  );
}

/** Connections of apps to the database. */
async function connections(): Promise<string[]> {
  const rows = await query<{ query: string }>(
    `SELECT query FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  return rows.map((row) => row.query);
}

function execute(em: EntityManager | BackfillContext['em'], sql: string): Promise<unknown> {
  return (em as EntityManager).getConnection().execute(sql);
}

/** A backfill whose ranges run this, and a promise of so many ranges that are under way. */
function busy(work: (context: BackfillContext) => Promise<unknown>): {
  handler: Type;
  begun: (count: number) => Promise<unknown>;
} {
  let begun = 0;
  const handler = defineBackfill<NumberRange>({
    name: 'busy',
    source: numbers(1_000),
    config: { ...FAST, concurrency: 4 },
    processRange: async (_range, context) => {
      begun++;
      await work(context);
    },
  });
  return {
    handler,
    begun: (count) =>
      eventually(
        'ranges under way',
        () => begun,
        (so) => so >= count,
      ),
  };
}

describe('an app closes', () => {
  it('while handlers that ignore their signal hold every connection in a long statement', async () => {
    const { handler, begun } = busy(({ em }) => execute(em, 'SELECT pg_sleep(600)'));
    const { backfills, close } = await start({ handlers: [handler], poolSize: 2 });
    await backfills.start('busy');
    await begun(4);
    await eventually(
      'two statements',
      connections,
      (queries) => queries.filter((sql) => sql.includes('pg_sleep')).length === 2,
    );
    await expectToClose(close());
    // The statements are not left to the server, either.
    await eventually('no connection', connections, (queries) => queries.length === 0);
  });

  it('while a handler that ignores its signal holds a transaction open', async () => {
    const { handler, begun } = busy(async ({ em }) => {
      await em.begin();
      await execute(em, 'SELECT 1');
      await new Promise(() => undefined);
    });
    const { backfills, close } = await start({ handlers: [handler] });
    await backfills.start('busy');
    await begun(4);
    await expectToClose(close());
    await eventually('no connection', connections, (queries) => queries.length === 0);
  });

  it('while the database is frozen under handlers, of which some wait for a connection', async () => {
    const { handler, begun } = busy(({ em }) => execute(em, 'SELECT pg_sleep(0.05)'));
    const { backfills, close } = await start({ handlers: [handler], poolSize: 2 });
    await backfills.start('busy');
    await begun(10);
    await postgres.pause();
    await expectToClose(close());
  });

  it('while the database is frozen under planning', async () => {
    const handler = defineBackfill({
      name: 'planned',
      source: idRange(Item),
      config: { ...FAST, duration: 1, perSecondOnPeak: 20, perSecondOffPeak: 20 },
      processRange: () => undefined,
    });
    const { backfills, close } = await start({ handlers: [handler] });
    await backfills.start('planned');
    await eventually(
      'ranges',
      () => backfills.status('planned'),
      ({ done }) => done > 0,
    );
    await postgres.pause();
    await sleep(2_000);
    await expectToClose(close());
  });

  it('while a run starts on a frozen database that it has no connection to yet', async () => {
    const handler = defineBackfill({ name: 'planned', source: idRange(Item), processRange: () => undefined });
    const { backfills, close } = await start({ handlers: [handler] });
    await postgres.pause();
    const started = backfills.start('planned').then(
      () => 'started',
      () => 'rejected',
    );
    await sleep(500);
    await expectToClose(close());
    expect(await started).toBe('rejected');
  });

  it('while a throttle measures without end', async () => {
    let measuring = 0;
    const throttle: BackfillThrottle = {
      name: 'slow',
      measure: async ({ em }) => {
        measuring++;
        await execute(em, 'SELECT pg_sleep(600)');
        return { pressure: 0, reason: '' };
      },
    };
    const { handler } = busy(async () => undefined);
    const { backfills, close } = await start({ handlers: [handler], options: { throttles: [throttle] } });
    await backfills.start('busy', { config: { perSecondOnPeak: 1, perSecondOffPeak: 1 } });
    await eventually(
      'a measurement',
      () => measuring,
      (count) => count > 0,
    );
    await expectToClose(close());
    await eventually('no connection', connections, (queries) => queries.length === 0);
  });

  it('while the source of the app plans without end', async () => {
    let planning = 0;
    const handler = defineBackfill({
      name: 'stuck',
      source: numbers(10, { beforePlan: () => (planning++, new Promise<void>(() => undefined)) }),
      processRange: () => undefined,
    });
    const { backfills, close } = await start({ handlers: [handler] });
    await backfills.start('stuck');
    await eventually(
      'a cycle',
      () => planning,
      (count) => count > 0,
    );
    await expectToClose(close());
  });

  it('with the ledger on a frozen database', async () => {
    const { handler, begun } = busy(async () => sleep(20));
    const { backfills, close } = await start({
      handlers: [handler],
      entities: [...BACKFILL_ENTITIES],
      options: { ledger: true },
    });
    await backfills.start('busy');
    await begun(10);
    await postgres.pause();
    await sleep(1_500);
    await expectToClose(close());
  });

  const LISTENERS: Record<string, boolean> = { 'in every process': false, once: true };
  it.each(Object.keys(LISTENERS))(
    'while a listener never returns (%s)',
    async (mode) => {
      let heard = 0;
      @Injectable()
      class Stuck {
        @OnBackfill('started', { once: LISTENERS[mode] ?? false })
        async hear(): Promise<void> {
          heard++;
          await new Promise(() => undefined);
        }
      }
      const { handler } = busy(async () => sleep(5));
      const { backfills, close, logs } = await start({ handlers: [handler, Stuck] });
      await backfills.start('busy');
      await eventually(
        'the event',
        () => heard,
        (count) => count === 1,
      );
      await expectToClose(close());
      expect(logs.having('Stuck.hear')).toHaveLength(1);
    },
    90_000,
  );

  it.each(['frozen', 'gone'])(
    'with a listener that waits for a Redis that is %s',
    async (state) => {
      @Injectable()
      class Listener {
        @OnBackfill(['started', 'completed'], { once: true })
        hear(): void {}
      }
      const { handler } = busy(async () => undefined);
      const { close } = await start({ handlers: [handler, Listener] });
      await (state === 'gone' ? redis.kill() : redis.pause());
      await expectToClose(close());
      await (state === 'gone' ? redis.restart() : redis.resume());
    },
    90_000,
  );

  it.each(['frozen', 'gone'])(
    'that started while Redis was %s, and works once Redis answers',
    async (state) => {
      const { handler, begun } = busy(async () => undefined);
      await (state === 'gone' ? redis.kill() : redis.pause());
      const { close, logs } = await start({ handlers: [handler] });
      expect(logs.having('Redis does not answer')).toHaveLength(1);
      await expectToClose(close());
      const later = await start({ handlers: [handler] });
      await (state === 'gone' ? redis.restart() : redis.resume());
      await later.backfills.start('busy');
      await begun(3);
    },
    150_000,
  );

  it('twice, and at once from two callers', async () => {
    const { handler, begun } = busy(async () => sleep(20));
    const { app, backfills, logs } = await start({ handlers: [handler] });
    await backfills.start('busy');
    await begun(3);
    await expectToClose(Promise.all([app.close(), app.close()]));
    await expectToClose(app.close());
    expect(logs.having('shutdown step failed')).toEqual([]);
    expect(logs.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('when code of the app has released its connection, and says until then what it waits for', async () => {
    const { handler, begun } = busy(({ em }) => execute(em, 'SELECT 1'));
    const { app, backfills, close, logs } = await start({ handlers: [handler] });
    await backfills.start('busy');
    await begun(10);
    const connection = app.get(MikroORM).em.getConnection() as AbstractSqlConnection;
    const transaction = await connection.begin();
    await connection.execute('SELECT 1', [], 'all', transaction);
    const closed = close();
    await eventually(
      'the message',
      () => logs.having('1 database connection'),
      (lines) => lines.length === 1,
      CLOSES_WITHIN_MS,
    );
    // It belongs to the app: it still works.
    await connection.execute('SELECT 1', [], 'all', transaction);
    await connection.commit(transaction);
    await expectToClose(closed);
  });
});

describe('an app that fails to start', () => {
  it('leaves no connection to Redis open', async () => {
    const handler = defineBackfill({
      name: 'failing',
      source: { ...numbers(10), prepare: () => Promise.reject(new Error('cannot prepare')) },
      processRange: () => undefined,
    });
    await expect(start({ handlers: [handler] })).rejects.toThrow('cannot prepare');
  });
});
