import 'reflect-metadata';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { EntitySchema, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { Backfill, BackfillHealthIndicator, BackfillModule, BackfillService, idRange } from 'nestjs-backfill';

/** An app as somebody has it who installed no optional peer; it tells in a line of JSON how it went. */
const Row = new EntitySchema({
  name: 'Row',
  tableName: 'rows',
  properties: { id: { type: 'int', primary: true } },
});

class Count {
  processRange() {}
}
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };
Backfill({ name: 'count', source: idRange(Row), config: UNPACED })(Count);

function AppModule() {}
Module({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: process.env.DATABASE_URL,
      entities: [Row],
    }),
    BullModule.forRoot({ connection: { url: process.env.REDIS_URL } }),
    ScheduleModule.forRoot(),
    BackfillModule.forRoot({
      keyPrefix: process.env.KEY_PREFIX,
      admin: { path: 'ops', allowUnguarded: true },
    }),
  ],
  providers: [Count],
})(AppModule);

// An SDK that has a copy of the API of its own is no reason to have one here.
globalThis[Symbol.for('opentelemetry.js.api.1')] = {};

const refused = [];
for (const name of ['@nestjs/swagger', '@nestjs/terminus', '@opentelemetry/api']) {
  await import(name).catch(({ code }) => refused.push(code));
}
const app = await NestFactory.create(AppModule, { logger: ['error'], abortOnError: false });
await app.listen(0, '127.0.0.1');
const base = `${await app.getUrl()}/ops`;
const json = { 'content-type': 'application/json' };
const started = await fetch(`${base}/count/start`, { method: 'POST', headers: json, body: '{}' });
const backfills = app.get(BackfillService);
let status;
do {
  status = await (await fetch(`${base}/count`)).json();
} while (status.state === 'running');
const health = await app.get(BackfillHealthIndicator).isHealthy('backfills');
console.log(
  JSON.stringify({
    refused,
    started: started.status,
    state: status.state,
    rowsDone: status.rowsDone,
    page: (await fetch(`${base}/ui`)).status,
    health: health.backfills.status,
    runs: (await backfills.runs('count')).length,
  }),
);
await app.close();
