import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver, defineEntity, p, type EntityManager } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Backfill, BackfillModule, idRange } from 'nestjs-backfill';
import type { BackfillContext, IdRange, RangeHandler } from 'nestjs-backfill';

const Parcel = defineEntity({ name: 'Parcel', properties: { id: p.integer().primary() } });

@Backfill({
  name: 'weigh-parcels',
  source: idRange(Parcel),
  config: { batchSize: 10, attempts: 1, maxFailures: null },
})
export class WeighParcels implements RangeHandler {
  /** Fails with a division by zero for a parcel without pieces. */
  async processRange({ begin, end }: IdRange, { em }: BackfillContext): Promise<void> {
    await (em as EntityManager).execute('UPDATE parcel SET weight = 100 / pieces WHERE id BETWEEN ? AND ?', [
      begin,
      end,
    ]);
  }
}

@Module({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: process.env['DATABASE_URL'],
      entities: [Parcel],
    }),
    BullModule.forRoot({ connection: { url: process.env['REDIS_URL'] } }),
    ScheduleModule.forRoot(),
    BackfillModule.forRoot({ keyPrefix: 'cli', config: { rowAckMs: 500 } }),
  ],
  providers: [WeighParcels],
})
export class AppModule {}
