import type { EntitySchema } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import type { ModuleMetadata, Type } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { BackfillModule } from 'nestjs-backfill';
import type { BackfillModuleExtras, BackfillModuleOptions } from 'nestjs-backfill';
import type { AppBench } from './app-bench.js';

type DatabaseContext = NonNullable<ModuleMetadata['imports']>[number];

/** The database of a context; `undefined` is the one without a name. `MikroOrmModule` keeps the names of a process. */
export function databaseContext(
  contextName: string | undefined,
  clientUrl: string,
  entities: (Type | EntitySchema)[],
): DatabaseContext {
  return MikroOrmModule.forRoot({
    ...(contextName === undefined ? {} : { contextName }),
    driver: PostgreSqlDriver,
    clientUrl,
    entities,
  });
}

/** Starts apps that have the databases of several contexts. */
export function startsInContexts(bench: AppBench, contexts: readonly DatabaseContext[]) {
  return (options: BackfillModuleOptions & Partial<BackfillModuleExtras>, ...handlers: Type[]) =>
    bench.start({
      only: [
        ...contexts,
        BullModule.forRoot({ connection: bench.redis.connection }),
        ScheduleModule.forRoot(),
        BackfillModule.forRoot({ keyPrefix: bench.keyPrefix(), ...options }),
      ],
      handlers,
    });
}
