import { MikroORM, type EntityClass, type EntitySchema } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { BullModule } from '@nestjs/bullmq';
import type { Provider } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { BackfillModule, type BackfillGuard, type BackfillModuleOptions } from 'nestjs-backfill';
import { startBackfillApp, type BackfillApp } from '../../support/apps/index.js';
import { createTestRedis, type TestRedis } from '../../support/databases/index.js';
import type { SourceContext } from '../../../lib/sources/backfill-source.js';
import { driverEntities, Entry, type EntityTraits, Token, Wide } from './entities.js';

/** A MikroORM driver and the capabilities of its database. */
export interface TestDriver extends EntityTraits {
  readonly name: string;
  /** Whether the driver reads integers above 2^53 without rounding. */
  readonly wideIntegers: boolean;
  /** In addition to those of the suite. */
  readonly entities?: readonly EntitySchema[];
  /** Whether `preview` detects a missing index. */
  readonly tellsIndex: boolean;
  readonly transactions: boolean;
  /** Whether transactions lock rows, so that they can deadlock. */
  readonly locksRows: boolean;
  /** Creates an empty database for this test file. */
  open(): Promise<DriverDatabase>;
}

export interface DriverDatabase {
  /** `driver` and its connection options. */
  readonly options: Partial<Parameters<typeof MikroORM.init>[0]>;
  close(): Promise<void>;
}

export interface DriverBench {
  readonly driver: TestDriver;
  readonly orm: MikroORM;
  readonly redis: TestRedis;
  /** Of batch and row handlers: the default, where the database can lock rows. */
  readonly guard: BackfillGuard;
  context(): SourceContext;
  /** Replaces all rows. */
  fill<T extends object>(entity: EntityClass<T>, rows: ReadonlyArray<Partial<T>>): Promise<void>;
  /** Starts an app that is closed after the test. */
  start(handler: Provider, options?: BackfillModuleOptions): Promise<BackfillApp>;
}

/** A database with the suite's tables, a Redis, and apps for the tests. */
export function createDriverBench(driver: TestDriver): DriverBench {
  let database: DriverDatabase;
  let orm: MikroORM;
  let redis: TestRedis;
  let test = 0;
  const apps: BackfillApp[] = [];
  const entities = [...driverEntities(driver), ...(driver.entities ?? [])];
  beforeAll(async () => {
    [database, redis] = await Promise.all([driver.open(), createTestRedis()]);
    orm = (await MikroORM.init({ ...database.options, entities })) as MikroORM;
    await orm.schema.create();
  });
  beforeEach(() => {
    test++;
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  afterAll(async () => {
    await orm?.close(true);
    await database?.close();
  });
  return {
    driver,
    get orm() {
      return orm;
    },
    get redis() {
      return redis;
    },
    guard: driver.transactions ? 'recheck' : 'none',
    context: () => ({ em: orm.em.fork(), backfill: 'update-entries' }),
    fill: async (entity, rows) => {
      const em = orm.em.fork();
      await em.nativeDelete(entity, {}, { filters: false });
      await em.insertMany(entity, rows as never);
    },
    start: async (handler, options) => {
      const app = await startBackfillApp({
        database: { url: '' },
        redis,
        handlers: [handler],
        only: [
          MikroOrmModule.forRoot({ ...database.options, entities }),
          BullModule.forRoot({ connection: redis.connection }),
          ScheduleModule.forRoot(),
          BackfillModule.forRoot({ keyPrefix: `${redis.prefix}-${test}`, ...options }),
        ],
      });
      apps.push(app);
      return app;
    },
  };
}

export { Entry, Token, Wide };
