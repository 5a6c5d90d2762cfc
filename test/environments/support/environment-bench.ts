import {
  createTestDatabase,
  createTestRedis,
  type TestDatabase,
  type TestRedis,
} from '../../support/databases/index.js';
import type { EnvironmentPlan } from './environment-plan.js';
import { CREATE_ROWS, fillRows, type Query } from './environment-rows.js';
import { runScenario, type ScenarioResult, type ScenarioSettings } from './scenario.js';

const ROWS = 20_000;

/** How an environment differs from the ordinary one. */
export interface EnvironmentSettings
  extends Partial<Omit<EnvironmentPlan, 'redis'>>, Pick<ScenarioSettings, 'during'> {
  readonly redis?: EnvironmentPlan['redis'];
  /** @default 20,000 */
  readonly rows?: number;
  /** Counts rows. Default: as the owner of the database. */
  readonly query?: ScenarioSettings['query'];
  /** Makes and fills the table. Default: a plain one. */
  readonly prepare?: () => Promise<void>;
}

export interface EnvironmentBench {
  readonly database: TestDatabase;
  readonly redis: TestRedis;
  /** Stops a server after the test. */
  readonly keep: <T extends { stop(): Promise<unknown> }>(server: Promise<T>) => Promise<T>;
  /** Runs the scenario. What is not given is a database and a Redis of the file, with their defaults. */
  readonly run: (settings?: EnvironmentSettings) => Promise<ScenarioResult>;
}

/** A test of an environment; the table of the guide names each. */
export function environment(name: string, run: () => Promise<void>): void {
  it(name, run);
}

export async function createEnvironmentBench(): Promise<EnvironmentBench> {
  const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  const servers: { stop(): Promise<unknown> }[] = [];
  let test = 0;
  beforeEach(() => {
    test++;
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });
  const query: Query = (sql, values) => database.query(sql, values);
  const prepare = async (rows: number) => {
    await query('DROP TABLE IF EXISTS environment_rows');
    await query(CREATE_ROWS);
    await fillRows(query, rows);
  };
  return {
    database,
    redis,
    keep: async (server) => {
      const started = await server;
      servers.push(started);
      return started;
    },
    run: async ({ rows = ROWS, ...settings } = {}) => {
      await (settings.prepare?.() ?? prepare(rows));
      return runScenario({
        database: { url: database.url },
        redis: { connection: redis.connection },
        handler: 'row',
        query,
        ...settings,
        rows,
        config: { concurrency: 4, rowConcurrency: 10, ...settings.config },
        options: { keyPrefix: `${redis.prefix}-${test}`, lockDuration: 5_000, ...settings.options },
      });
    },
  };
}
