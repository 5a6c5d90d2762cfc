import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BackfillModule, BackfillService } from 'nestjs-backfill';
import { appModules } from '../../support/apps/index.js';
import { recordClaims } from '../../support/budget/record-claims.js';
import type { BudgetSettings } from './budget-process.js';
import { budgetHandlers } from './handlers.js';

/** An app in a process of its own with a backfill for each weight, which tells in a line of JSON when it is up. */
const settings = JSON.parse(process.argv[2] ?? '') as BudgetSettings;

process.on('disconnect', () => process.exit(1));
recordClaims();

@Module({
  imports: [...Object.values(appModules(settings)), BackfillModule.forRoot(settings.options)],
  providers: budgetHandlers(settings.runs, settings.rangeMs),
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'], abortOnError: false });
process.once('SIGTERM', () => void app.close());
process.stdout.write(`${JSON.stringify({ ready: (await app.get(BackfillService).list()).length })}\n`);
