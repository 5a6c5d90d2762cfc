import 'reflect-metadata';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { ConsoleLogger, Module } from '@nestjs/common';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { BackfillModule, BackfillService } from 'nestjs-backfill';
import { Client } from 'pg';
import { answerParent } from '../../support/processes/index.js';
import { databasesOf, entitiesOf, ledgerSql, optionsOf } from './app-plan.js';
import { handlersOf } from './backfills.js';
import type { ProcessPlan } from './version-process.js';

/** Apps in a process of their own, with whichever version of the library its loader finds. */
async function openApp({ plan, databaseUrl, connection, keyPrefix }: ProcessPlan) {
  if (plan.ledger) {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query(await ledgerSql());
    await client.end();
  }
  @Module({
    imports: [
      MikroOrmModule.forRoot({
        driver: PostgreSqlDriver,
        clientUrl: databaseUrl,
        entities: entitiesOf(plan),
      }),
      ...databasesOf(plan),
      BullModule.forRoot({ connection }),
      ScheduleModule.forRoot(),
      BackfillModule.forRoot(optionsOf(plan, keyPrefix)),
    ],
    providers: handlersOf(plan),
  })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: new ConsoleLogger({ logLevels: ['error'] }),
    abortOnError: false,
  });
  app.enableShutdownHooks();
  return app;
}

let app: INestApplicationContext | undefined;

answerParent(async (method, args) => {
  if (method === 'open') {
    app = await openApp(args[0] as ProcessPlan);
    return null;
  }
  if (method === 'close') {
    await app?.close();
    return null;
  }
  const service = app?.get(BackfillService) ?? {};
  return (Reflect.get(service, method) as (...args: unknown[]) => unknown).apply(service, [...args]);
});
