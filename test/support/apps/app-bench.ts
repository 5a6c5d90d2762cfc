import {
  createTestDatabase,
  createTestRedis,
  type TestDatabase,
  type TestRedis,
} from '../databases/index.js';
import { startBackfillApp, type BackfillApp, type BackfillAppSetup } from './backfill-app.js';
import { CREATE_ITEMS } from './item.entity.js';

export interface AppBench {
  readonly database: TestDatabase;
  readonly redis: TestRedis;
  /** What the apps of a test share, and no other test's. */
  readonly keyPrefix: () => string;
  /** Starts an app that is closed after the test. */
  readonly start: (setup?: Partial<BackfillAppSetup>) => Promise<BackfillApp>;
  /** Empties the table `items` and fills it with rows of these ids. */
  readonly fillItems: (ids: string | readonly number[]) => Promise<void>;
}

/** A database and a Redis for a file, and apps for its tests. */
export async function createAppBench(): Promise<AppBench> {
  const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  await database.query(CREATE_ITEMS);
  const apps: BackfillApp[] = [];
  let test = 0;
  beforeEach(() => {
    test++;
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  const keyPrefix = () => `${redis.prefix}-${test}`;
  return {
    database,
    redis,
    keyPrefix,
    start: async (setup = {}) => {
      const options = { keyPrefix: keyPrefix(), ...setup.options };
      const app = await startBackfillApp({ database, redis, ...setup, options });
      apps.push(app);
      return app;
    },
    fillItems: async (ids) => {
      await database.query('TRUNCATE items');
      await (typeof ids === 'string'
        ? database.query(`INSERT INTO items (id) ${ids}`)
        : database.query('INSERT INTO items (id) SELECT unnest($1::int[])', [ids]));
    },
  };
}
