import type { BrowserContext } from 'playwright-core';
import { startAdminApp } from '../../support/admin/index.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { inspect, openBrowser } from '../../support/browser/index.js';

const bench = await createAppBench();
let browser: BrowserContext;
beforeAll(async () => {
  browser = await openBrowser({ viewport: { width: 1200, height: 900 } });
});
afterAll(() => browser.close());

it('holds all backfills by one button, says so on every page, and releases them', async () => {
  const admin = await startAdminApp(bench, {
    admin: { path: 'ops', allowUnguarded: true, actor: () => 'ada' },
    handlers: ['one', 'two'].map((name) =>
      defineBackfill({
        name,
        source: numbers(1_000_000),
        config: { batchSize: 1, perSecondOnPeak: 5, perSecondOffPeak: 5 },
        processRange: () => {},
      }),
    ),
  });
  const { backfills } = admin;
  await backfills.start('one');
  await backfills.start('two');
  await backfills.pause('two', { by: 'bob' });

  const page = await browser.newPage();
  await page.goto(`${admin.origin}/ops/ui`);
  await page.getByRole('button', { name: 'Hold all backfills…' }).focus();
  await inspect(page, 'hold-button');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Within a second no process works on any backfill').waitFor();
  await page.keyboard.press('Enter');
  await dialog.getByText('Must be a text of 1 to 500 characters.').waitFor();
  await page.keyboard.type('incident 42');
  await page.getByLabel('Until').fill('2001-01-01T12:00');
  await page.keyboard.press('Enter');
  await dialog.getByText('Must be a time in the future').waitFor();
  await page.getByLabel('Until').fill('2099-01-01T12:00');
  await inspect(page, 'hold-dialog');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('All backfills are held by ada: incident 42').waitFor();
  await page.getByText('held with all backfills by ada: incident 42').waitFor();
  await inspect(page, 'hold-banner');
  const until = new Date('2099-01-01T12:00').toISOString();
  expect(await backfills.globalHold()).toMatchObject({ by: 'ada', reason: 'incident 42', until });

  await page.goto(`${admin.origin}/ops/ui#/two`);
  await page.getByText('All backfills are held by ada: incident 42').waitFor();
  await page.getByRole('cell', { name: 'held with all backfills' }).waitFor();
  // Somebody else releases them, and holds them again.
  await backfills.release({ by: 'eve' });
  await page.getByText('All backfills are held by').waitFor({ state: 'detached' });
  await backfills.hold({ by: 'eve', reason: 'deploy freeze' });
  await page.getByText('All backfills are held by eve: deploy freeze').waitFor();
  await page.getByText('until they are released').waitFor();
  await page.getByRole('button', { name: 'Release all…' }).click();
  await dialog.getByText('Runs that were paused by themselves stay paused.').waitFor();
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('All backfills are held by').waitFor({ state: 'detached' });
  expect(await backfills.status('two')).toMatchObject({ state: 'paused', pausedBy: 'bob' });
  const { done } = await backfills.status('one');
  await eventually(
    'one to go on',
    () => backfills.status('one'),
    (status) => status.done > done && status.held === null,
  );
  expect((await backfills.history('*')).map(({ type, data }) => [type, data['by']])).toEqual([
    ['releasedAll', 'ada'],
    ['heldAll', 'eve'],
    ['releasedAll', 'eve'],
    ['heldAll', 'ada'],
  ]);
  await page.close();
  await admin.close();
});
