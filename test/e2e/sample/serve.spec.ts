import { MikroORM } from '@mikro-orm/postgresql';
import { Test } from '@nestjs/testing';
import type { BackfillStatus } from 'nestjs-backfill';
import { AppModule } from '../../../sample/src/app.module.js';
import { serve } from '../../../sample/src/serve.js';
import { SAMPLE_SETTINGS } from '../../../sample/src/settings/sample-settings.js';
import { adminClient } from '../../support/admin/index.js';
import { LogRecorder } from '../../support/apps/index.js';
import { openBrowser } from '../../support/browser/index.js';
import { createTestDatabase, createTestRedis } from '../../support/databases/index.js';

const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);

it('the sample serves the page of its backfills, as the demo says it does', async () => {
  const settings = {
    databaseUrl: database.url,
    redisUrl: redis.url,
    keyPrefix: redis.prefix,
    workers: true,
  };
  const testing = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(SAMPLE_SETTINGS)
    .useValue(settings)
    .setLogger(new LogRecorder())
    .compile();
  const app = testing.createNestApplication();
  const browser = await openBrowser();
  try {
    await app.init();
    await app.get(MikroORM).schema.create();
    // The demo opens the app to HTTP after its work is done.
    const address = `${await serve(app)}/admin/backfills`;
    const { body } = await adminClient(address).get<BackfillStatus[]>();
    const names = body.map(({ name }) => name);
    expect(names).toEqual(['enrich-accounts', 'reencrypt-messages', 'restructure-orders']);

    const page = await browser.newPage();
    await page.goto(`${address}/ui`);
    await page.locator('.item').first().waitFor();
    expect(await page.locator('.item h3').allTextContents()).toEqual(names);
    await page.locator('#connection').filter({ hasText: 'Live' }).waitFor();
  } finally {
    await browser.close();
    await app.close();
  }
});
