import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { BackfillModule } from 'nestjs-backfill';
import { AccountsModule } from './enrich-accounts/accounts.module.js';
import { OperatorGuard } from './operators/operator.guard.js';
import { OperatorsModule } from './operators/operators.module.js';
import { MessagesModule } from './reencrypt-messages/messages.module.js';
import { OrdersModule } from './restructure-orders/orders.module.js';
import { SAMPLE_SETTINGS, type SampleSettings } from './settings/sample-settings.js';
import { SettingsModule } from './settings/settings.module.js';

@Module({
  imports: [
    SettingsModule,
    MikroOrmModule.forRootAsync({
      driver: PostgreSqlDriver,
      inject: [SAMPLE_SETTINGS],
      useFactory: ({ databaseUrl }: SampleSettings) => ({ clientUrl: databaseUrl, autoLoadEntities: true }),
    }),
    BullModule.forRootAsync({
      inject: [SAMPLE_SETTINGS],
      useFactory: ({ redisUrl }: SampleSettings) => ({ connection: { url: redisUrl } }),
    }),
    ScheduleModule.forRoot(),
    BackfillModule.forRootAsync({
      // The sample listens on loopback only, and is open there. An app gives guards, as the sample does with a password.
      admin: process.env['ADMIN_PASSWORD']
        ? { path: 'admin/backfills', guards: [OperatorGuard] }
        : { path: 'admin/backfills', allowUnguarded: true },
      inject: [SAMPLE_SETTINGS],
      useFactory: ({ keyPrefix, workers }: SampleSettings) => ({ keyPrefix, workers }),
    }),
    OperatorsModule,
    MessagesModule,
    OrdersModule,
    AccountsModule,
  ],
})
export class AppModule {}
