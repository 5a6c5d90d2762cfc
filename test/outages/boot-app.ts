import 'reflect-metadata';
import { PostgreSqlDriver, type SqlEntityManager } from '@mikro-orm/postgresql';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { BullModule } from '@nestjs/bullmq';
import { ConsoleLogger, Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import {
  BACKFILL_ENTITIES,
  BackfillDefinitionError,
  BackfillHealthIndicator,
  BackfillModule,
  keyset,
} from 'nestjs-backfill';
import type { BackfillSource } from 'nestjs-backfill';
import { defineBackfill, Item, numbers, type NumberRange } from '../support/apps/index.js';
import { answerParent, tellParent } from '../support/processes/index.js';

/** An app with HTTP in a process of its own. */
export interface BootSettings {
  readonly databaseUrl: string;
  readonly redisPort: number;
  readonly keyPrefix: string;
  readonly ledger: boolean;
  readonly workers: boolean;
}

const settings = JSON.parse(process.env['BOOT_SETTINGS'] ?? '') as BootSettings;
const config = { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null };
const touch = async (em: unknown, low: number, high: number) => {
  const sql = 'UPDATE items SET touches = touches + 1 WHERE id BETWEEN ? AND ?';
  await (em as SqlEntityManager).execute(sql, [low, high]);
};

/** Refuses itself where the database says so, as a source may that asks it for a column or an index. */
function asking(): BackfillSource<NumberRange> {
  return {
    ...numbers(50),
    async prepare({ em, backfill }) {
      const [row] = await (em as SqlEntityManager).execute<{ answer: string }[]>(
        'SELECT answer FROM answers',
      );
      if (row?.answer !== 'safe') {
        throw new BackfillDefinitionError(
          `The rows of "${backfill}" are ${row?.answer}: expected safe ones.`,
        );
      }
    },
  };
}

const handlers = [
  defineBackfill<never, Item>({
    name: 'items',
    source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
    config,
    processBatch: (items) => items.forEach((item) => (item.state = 'done')),
  }),
  defineBackfill<NumberRange>({
    name: 'asks',
    source: asking(),
    config,
    processRange: async ({ low, high }, { em }) => touch(em, low, high),
  }),
  defineBackfill<NumberRange>({
    name: 'held',
    source: asking(),
    config,
    processRange: async ({ low, high }, { em }) => touch(em, low, high),
  }),
];

class ParentLogger extends ConsoleLogger {
  protected override printMessages(messages: unknown[], context?: string, level?: string): void {
    for (const message of messages) {
      tellParent({ log: `${level} [${context}] ${String(message)}` });
    }
  }
}

@Controller()
class AppController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(BackfillHealthIndicator) private readonly backfills: BackfillHealthIndicator,
  ) {}

  @Get('own')
  own() {
    return { own: true };
  }

  @Get('health')
  @HealthCheck()
  check() {
    return this.health.check([() => this.backfills.isHealthy('backfills')]);
  }
}

@Module({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: settings.databaseUrl,
      entities: [Item, ...(settings.ledger ? BACKFILL_ENTITIES : [])],
    }),
    BullModule.forRoot({ connection: { host: '127.0.0.1', port: settings.redisPort } }),
    ScheduleModule.forRoot(),
    TerminusModule.forRoot({ logger: false }),
    BackfillModule.forRoot({
      ledger: settings.ledger,
      workers: settings.workers,
      keyPrefix: settings.keyPrefix,
      admin: { path: 'ops', allowUnguarded: true },
      shutdownTimeout: 500,
    }),
  ],
  controllers: [AppController],
  providers: handlers,
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: new ParentLogger(), abortOnError: false });
await app.listen(0, '127.0.0.1');
process.once('SIGTERM', () => {
  void app.close().then(() => process.exit(0));
});
const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
answerParent(() => url);
