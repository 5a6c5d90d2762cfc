import { setTimeout as sleep } from 'node:timers/promises';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import type { Type } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Cluster } from 'ioredis';
import { BackfillModule, keyset } from 'nestjs-backfill';
import { defineBackfill } from '../../support/apps/define-backfill.js';
import type { EnvironmentPlan, RedisPlan } from './environment-plan.js';
import { EnvironmentRow } from './environment-row.entity.js';

export const BACKFILL = 'environment';

/** How long a row takes, so that ranges are in flight when a process is killed. */
const ROW_MS = 10;
const BATCH_MS = 100;

/** The modules of an app, `BackfillModule` included. */
export function environmentModules({ database, bull, options }: EnvironmentPlan, connection: unknown) {
  return [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: database.url,
      entities: [EnvironmentRow],
      ...database.options,
    }),
    BullModule.forRoot({ ...bull, connection: connection as never }),
    ScheduleModule.forRoot(),
    BackfillModule.forRoot(options),
  ];
}

/** What an app passes to `BullModule`: options, or the client of a cluster, which the app closes itself. */
export function redisConnection(redis: RedisPlan): {
  readonly connection: unknown;
  readonly close: () => void;
} {
  if ('connection' in redis) {
    return { connection: redis.connection, close: () => {} };
  }
  const redisOptions = { ...redis.redisOptions, maxRetriesPerRequest: null };
  const client = new Cluster([...redis.cluster], { redisOptions });
  client.on('error', () => {});
  return { connection: client, close: () => client.disconnect() };
}

/** The handler, which may be called again for a row that was not acknowledged. */
export function environmentBackfill({ handler, config }: EnvironmentPlan): Type {
  const options = { name: BACKFILL, source: keyset(EnvironmentRow, { orderBy: { id: 'asc' } }), config };
  const handle = (row: EnvironmentRow) => {
    row.result = row.value * 2 + 1;
    row.times++;
  };
  return handler === 'batch'
    ? defineBackfill<never, EnvironmentRow>({
        ...options,
        processBatch: async (rows, { signal }) => {
          await sleep(BATCH_MS, undefined, { signal });
          rows.forEach(handle);
        },
      })
    : defineBackfill<never, EnvironmentRow>({
        ...options,
        processRow: async (row, { signal }) => {
          await sleep(ROW_MS, undefined, { signal });
          handle(row);
        },
      });
}
