/**
 * `npm run pictures`: starts the sample with backfills in telling states on servers of its own, and takes the pictures of
 * the README beside this file.
 */
import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { MikroORM } from '@mikro-orm/postgresql';
import { NestFactory } from '@nestjs/core';
import { openBrowser } from '../../test/support/browser/index.js';
import { startPostgres, startRedis } from '../../test/support/services/index.js';
import { seed } from '../src/demo/seed.js';
import { MessageCipher } from '../src/reencrypt-messages/message.cipher.js';
import { serve } from '../src/serve.js';
import { bringAbout } from './bring-about.js';

/** Wide enough for a line of the list; in more than its points, as pages show the picture in many resolutions. */
const VIEW = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 };

const postgres = await startPostgres();
const redis = await startRedis();
try {
  await takeAll(postgres.url, redis.url);
} finally {
  await Promise.all([postgres.stop(), redis.stop()]);
}
process.exit();

async function takeAll(databaseUrl: string, redisUrl: string): Promise<void> {
  Object.assign(process.env, { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl });
  delete process.env['ADMIN_PASSWORD'];
  // What reads the environment is imported once that is set.
  const { PicturedModule } = await import('./pictured.module.js');
  const app = await NestFactory.create(PicturedModule, { logger: false });
  try {
    await app.init();
    await app.get(MikroORM).schema.create();
    await seed(databaseUrl, app.get(MessageCipher, { strict: false }), new AbortController().signal);
    const page = `${await serve(app)}/admin/backfills/ui`;
    console.log('Bringing the backfills into their states');
    await bringAbout(app);
    await takeIn(['light', 'dark'], page);
  } finally {
    await app.close();
  }
}

/** One after another on one page, so that the pictures show the same. */
async function takeIn(colorSchemes: readonly ('light' | 'dark')[], url: string): Promise<void> {
  const browser = await openBrowser(VIEW);
  try {
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByText('reencrypt-messages').first().waitFor();
    for (const colorScheme of colorSchemes) {
      await page.emulateMedia({ colorScheme });
      const path = fileURLToPath(new URL(`page-${colorScheme}.png`, import.meta.url));
      await page.screenshot({ path });
      console.log(path);
    }
  } finally {
    await browser.close();
  }
}
