import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import type { BenchPlan, Role } from '../bench-plan.js';
import { BenchModule } from '../bench.module.js';
import { BENCH_ENTITIES } from '../bench-rows.entity.js';
import { forgetLoading, processFigures } from '../process-figures.js';

/** The same app without the library. */
export async function open(plan: BenchPlan): Promise<Role> {
  forgetLoading();
  const began = performance.now();
  const app = await NestFactory.createApplicationContext(
    {
      module: BenchModule,
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: plan.databaseUrl,
          entities: BENCH_ENTITIES,
          pool: { min: 0, max: 10 },
        }),
        BullModule.forRoot({ connection: { url: plan.redisUrl } }),
        ScheduleModule.forRoot(),
      ],
    },
    { logger: false },
  );
  app.enableShutdownHooks();
  const bootMs = performance.now() - began;
  return { ...processFigures(), bootMs: () => bootMs };
}
