import { MikroOrmModule } from '@mikro-orm/nestjs';
import { MikroORM as CoreMikroORM } from '@mikro-orm/core';
import { PostgreSqlDriver, type EntitySchema } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import type { INestApplicationContext, ModuleMetadata, Provider, Type } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { BackfillModule, BackfillService } from 'nestjs-backfill';
import type {
  BackfillModuleExtras,
  BackfillModuleOptions,
  BackfillRun,
  BackfillStatus,
} from 'nestjs-backfill';
import type { TestDatabase, TestRedis } from '../databases/index.js';
import { eventually } from './eventually.js';
import { Item } from './item.entity.js';
import { LogRecorder } from './log-recorder.js';

type Importable = NonNullable<ModuleMetadata['imports']>[number];

export interface BackfillAppSetup {
  readonly database: Pick<TestDatabase, 'url'>;
  readonly redis: Pick<TestRedis, 'connection'>;
  readonly handlers?: readonly Provider[];
  readonly options?: BackfillModuleOptions & Partial<BackfillModuleExtras>;
  readonly entities?: readonly (Type | EntitySchema)[];
  /** Most connections to the database. Default: MikroORM's. */
  readonly poolSize?: number;
  /** Modules beside those that every app has. */
  readonly imports?: readonly Importable[];
  /** Takes the place of the modules that every app has, `BackfillModule` included. */
  readonly only?: readonly Importable[];
}

export interface BackfillApp {
  readonly app: INestApplicationContext;
  readonly backfills: BackfillService;
  readonly logs: LogRecorder;
  /** Waits until the newest run is over. */
  readonly finished: (name: string, withinMs?: number) => Promise<BackfillStatus>;
  /** The newest run. */
  readonly newest: (name: string) => Promise<BackfillRun>;
  readonly close: () => Promise<void>;
}

/** The modules that an app brings itself, by name. */
export function appModules({ database, redis, entities = [Item], poolSize }: BackfillAppSetup) {
  return {
    MikroOrmModule: MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: database.url,
      entities: [...entities],
      ...(poolSize === undefined ? {} : { pool: { min: 0, max: poolSize } }),
    }),
    BullModule: BullModule.forRoot({ connection: redis.connection }),
    ScheduleModule: ScheduleModule.forRoot(),
  };
}

/** Starts an app; one that cannot start is closed before the error is thrown. */
export async function startBackfillApp(setup: BackfillAppSetup): Promise<BackfillApp> {
  const logs = new LogRecorder();
  const testing = await Test.createTestingModule({
    imports: [
      ...(setup.only ?? [...Object.values(appModules(setup)), BackfillModule.forRoot(setup.options ?? {})]),
      ...(setup.imports ?? []),
    ],
    providers: [...(setup.handlers ?? [])],
  })
    .setLogger(logs)
    .compile();
  try {
    await testing.init();
  } catch (error) {
    // Nest does not close an app that never started.
    await testing.get(CoreMikroORM, { strict: false }).close(true);
    await testing.close();
    throw error;
  }
  const backfills = testing.get(BackfillService);
  let closing: Promise<void> | undefined;
  return {
    app: testing,
    backfills,
    logs,
    finished: (name, withinMs) =>
      eventually(
        `backfill ${name} to be over`,
        () => backfills.status(name),
        ({ state }) => state !== 'running' && state !== 'verifying' && state !== 'idle',
        withinMs,
      ),
    newest: async (name) => {
      const [run] = await backfills.runs(name, 1);
      if (!run) {
        throw new Error(`Expected a run of ${name}, got none`);
      }
      return run;
    },
    close: () => (closing ??= testing.close()),
  };
}
