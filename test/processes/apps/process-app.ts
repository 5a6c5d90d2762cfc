import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BackfillModule, BackfillService } from 'nestjs-backfill';
import { appModules, defineBackfill, numbers, type NumberRange } from '../../support/apps/index.js';
import type { ProcessSettings } from './app-process.js';

/** An app in a process of its own, which tells in lines of JSON what happens to it. */
const settings = JSON.parse(process.argv[2] ?? '') as ProcessSettings;
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const work = defineBackfill<NumberRange>({
  name: 'work',
  source: numbers(settings.ranges),
  config: { batchSize: 1, concurrency: settings.concurrency ?? 4 },
  ...(settings.version === undefined ? {} : { version: settings.version, onOtherVersion: 'hold' as const }),
  processRange: async ({ low }, { em, signal }) => {
    tell({ began: low, at: Date.now() });
    if (settings.blockedBy === low) {
      // Not before the line above is written.
      await sleep(50);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120_000);
    }
    if (settings.stubborn) {
      await sleep(60_000, undefined, { ref: false });
    }
    await sleep(settings.rangeMs, undefined, { signal }).catch((error: unknown) => {
      tell({ aborted: low, reason: String(signal.reason) });
      throw error;
    });
    await (em as SqlEntityManager).execute('INSERT INTO done (id, pid) VALUES (?, ?)', [low, process.pid]);
  },
});

@Module({
  imports: [...Object.values(appModules(settings)), BackfillModule.forRoot(settings.options)],
  providers: [work],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'], abortOnError: false });
// Nothing but the end of all work ends this process.
process.once('SIGTERM', () => void app.close());
const backfills = app.get(BackfillService);
tell({ ready: (await backfills.status('work')).state });
