import 'reflect-metadata';
import { once } from 'node:events';
import { MikroORM } from '@mikro-orm/postgresql';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BackfillService } from 'nestjs-backfill';
import { AppModule } from '../app.module.js';
import { DirectoryServer } from '../directory-service/directory.server.js';
import { MessageCipher } from '../reencrypt-messages/message.cipher.js';
import { serve } from '../serve.js';
import { SAMPLE_SETTINGS, type SampleSettings } from '../settings/sample-settings.js';
import { Acts } from './acts.js';
import { grouped } from './progress.js';
import { ROWS, seed } from './seed.js';
import { stopSignal } from './stop-signal.js';
import { complaints, summary } from './summary.js';
import { verify } from './verify.js';

const signal = stopSignal();
const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
try {
  await app.init();
  await demonstrate(app);
} catch (error) {
  if (!signal.aborted) {
    throw error;
  }
  console.log('\nStopped.');
} finally {
  await app.close();
}
process.exit();

async function demonstrate(app: INestApplication): Promise<void> {
  const begun = performance.now();
  const { databaseUrl, redisUrl } = app.get<SampleSettings>(SAMPLE_SETTINGS);
  const cipher = app.get(MessageCipher, { strict: false });
  const directory = app.get(DirectoryServer, { strict: false });

  const rows = Object.values(ROWS).reduce((sum, count) => sum + count, 0);
  console.log(`Seeding ${grouped(rows)} rows`);
  await app.get(MikroORM).schema.create();
  await seed(databaseUrl, cipher, signal);

  const statuses = await new Acts(app.get(BackfillService), signal).play();

  console.log('Looking at every row');
  const tableChecks = await verify(databaseUrl, cipher, directory);
  console.log(`\n${summary(statuses, tableChecks)}\n`);
  const wrong = complaints(statuses, tableChecks);
  process.exitCode = Math.min(1, wrong.length);
  console.log(
    wrong.join('\n') ||
      `Every row was done exactly once, in ${((performance.now() - begun) / 1000).toFixed(1)} s.`,
  );

  if (process.argv.includes('--serve') && !signal.aborted) {
    console.log(`\nThe app stays up until Ctrl-C:\n  The page    ${await serve(app)}/admin/backfills/ui`);
    console.log(`  PostgreSQL  ${databaseUrl}\n  Redis       ${redisUrl}`);
    await once(signal, 'abort');
    process.exitCode = Math.min(1, wrong.length);
  }
}
