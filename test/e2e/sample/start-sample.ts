import { MikroORM } from '@mikro-orm/postgresql';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  BackfillService,
  type BackfillConfigPatch,
  type BackfillStatus,
  type StartOptions,
} from 'nestjs-backfill';
import { AppModule } from '../../../sample/src/app.module.js';
import { SAMPLE_SETTINGS, type SampleSettings } from '../../../sample/src/settings/sample-settings.js';
import { eventually, LogRecorder } from '../../support/apps/index.js';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/databases/index.js';

export interface Sample {
  readonly app: TestingModule;
  readonly database: TestDatabase;
  readonly backfills: BackfillService;
  /** Runs a backfill as fast as it goes, until it is over. */
  readonly run: (
    name: string,
    config?: BackfillConfigPatch,
    options?: StartOptions,
  ) => Promise<BackfillStatus>;
  /** Waits until the newest run is over. */
  readonly over: (name: string) => Promise<BackfillStatus>;
}

const FAST = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 1 };

/** Starts the whole sample app for a file, with empty tables. */
export async function startSample(): Promise<Sample> {
  const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  const settings: SampleSettings = {
    databaseUrl: database.url,
    redisUrl: redis.url,
    keyPrefix: redis.prefix,
    workers: true,
  };
  const app = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(SAMPLE_SETTINGS)
    .useValue(settings)
    .setLogger(new LogRecorder())
    .compile();
  await app.init();
  afterAll(() => app.close());
  await app.get(MikroORM).schema.create();
  const backfills = app.get(BackfillService);
  const over = (name: string) =>
    eventually(
      `backfill ${name} to be over`,
      () => backfills.status(name),
      ({ state }) => state !== 'running' && state !== 'idle',
    );
  return {
    app,
    database,
    backfills,
    over,
    run: async (name, config = {}, options = {}) => {
      await backfills.start(name, { ...options, config: { ...FAST, ...config } });
      return over(name);
    },
  };
}
