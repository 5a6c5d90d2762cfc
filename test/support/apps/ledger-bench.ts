import { startRedis, type RedisServer } from '../services/redis.js';
import { createTestDatabase, type TestDatabase } from '../databases/index.js';
import { BACKFILL_ENTITIES, createLedgerSchema } from 'nestjs-backfill';
import { Redis } from 'ioredis';
import { startBackfillApp, type BackfillApp, type BackfillAppSetup } from './backfill-app.js';
import { CREATE_ITEMS } from './item.entity.js';

export interface LedgerBench {
  readonly database: TestDatabase;
  readonly server: RedisServer;
  /** Beside the apps. */
  readonly client: Redis;
  /** Starts an app with the ledger on, closed after the test. */
  start(setup?: Partial<BackfillAppSetup>): Promise<BackfillApp>;
  /** Everything in Redis is gone. */
  loseRedis(): Promise<void>;
}

/** A database with the tables of the ledger, and a Redis of its own that may lose everything. */
export async function createLedgerBench(): Promise<LedgerBench> {
  const [database, server] = await Promise.all([createTestDatabase(), startRedis()]);
  const sql: string[] = [];
  await createLedgerSchema({ addSql: (statement) => sql.push(statement) });
  await database.query(sql.join('\n'));
  await database.query(CREATE_ITEMS);
  const client = new Redis(server.url);
  const apps: BackfillApp[] = [];
  let test = 0;
  beforeEach(() => {
    test++;
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await client.flushall();
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });
  return {
    database,
    server,
    client,
    start: async (setup = {}) => {
      const app = await startBackfillApp({
        database,
        redis: { connection: { host: server.host, port: server.port, db: 0 } },
        entities: [...BACKFILL_ENTITIES],
        ...setup,
        options: { keyPrefix: `ledger-${test}`, ledger: true, ...setup.options },
      });
      apps.push(app);
      return app;
    },
    loseRedis: async () => {
      await client.flushall();
    },
  };
}
