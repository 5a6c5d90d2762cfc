import type { AddressInfo } from 'node:net';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { BACKFILL_ENTITIES, BackfillModule, BackfillService, keyset } from 'nestjs-backfill';
import { defineBackfill } from '../../support/apps/define-backfill.js';
import type { BenchPlan, Role } from '../bench-plan.js';
import { BenchModule } from '../bench.module.js';
import { BENCH_ENTITIES, BenchRow } from '../bench-rows.entity.js';
import { processFigures } from '../process-figures.js';

const PATH = 'admin/backfills';

function nameOf(index: number): string {
  return `backfill-${String(index).padStart(4, '0')}`;
}

/** An app with an HTTP server and many backfills, each of which would do a range a second. */
export async function open(plan: BenchPlan): Promise<Role> {
  const began = performance.now();
  const backfills = Array.from({ length: plan.registered ?? 0 }, (_, index) =>
    defineBackfill({
      name: nameOf(index),
      source: keyset(BenchRow, { orderBy: { id: 'asc' } }),
      config: { batchSize: 1, perSecondOnPeak: 1, perSecondOffPeak: 1 },
      processRange: () => undefined,
    }),
  );
  const app = await NestFactory.create(
    {
      module: BenchModule,
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: plan.databaseUrl,
          entities: [...BENCH_ENTITIES, ...BACKFILL_ENTITIES],
          pool: { min: 0, max: 10 },
        }),
        BullModule.forRoot({ connection: { url: plan.redisUrl } }),
        ScheduleModule.forRoot(),
        BackfillModule.forRoot({
          keyPrefix: plan.keyPrefix,
          ledger: true,
          admin: { path: PATH, allowUnguarded: true },
        }),
      ],
      providers: backfills,
    },
    { logger: false },
  );
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  const bootMs = performance.now() - began;
  const service = app.get(BackfillService);
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  return {
    ...processFigures(),
    bootMs: () => bootMs,
    url: () => `http://127.0.0.1:${port}/${PATH}`,
    start: async (from: number, to: number) => {
      for (let index = from; index < to; index++) {
        await service.start(nameOf(index));
      }
    },
    /** Backfills that have done a range. */
    progressing: async () => (await service.list()).filter(({ done }) => done > 0).length,
  };
}
