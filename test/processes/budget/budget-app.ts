import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BackfillModule, BackfillService } from 'nestjs-backfill';
import { appModules, defineBackfill, numbers } from '../../support/apps/index.js';
import type { BudgetSettings } from './budget-process.js';

/** An app in a process of its own with a backfill for each weight, which tells in lines of JSON when ranges begin. */
const settings = JSON.parse(process.argv[2] ?? '') as BudgetSettings;
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const handlers = settings.weights.map((weight, run) =>
  defineBackfill({
    name: `run-${run}`,
    weight,
    source: numbers(100_000),
    config: {
      batchSize: 1,
      concurrency: 3,
      maxOutstanding: 200,
      perSecondOnPeak: null,
      perSecondOffPeak: null,
    },
    processRange: async (_range, { signal }) => {
      tell({ run, at: performance.timeOrigin + performance.now() });
      await sleep(settings.rangeMs, undefined, { signal });
    },
  }),
);

@Module({
  imports: [...Object.values(appModules(settings)), BackfillModule.forRoot(settings.options)],
  providers: handlers,
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'], abortOnError: false });
process.once('SIGTERM', () => void app.close());
tell({ ready: (await app.get(BackfillService).list()).length });
