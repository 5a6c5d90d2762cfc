import type { BrowserContext, Page } from 'playwright-core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { BackfillStatus } from 'nestjs-backfill';
import { statusResponse } from '../../../lib/admin/openapi/status-responses.js';
import { CommandLine } from '../../integration/cli/command-line.js';
import { createAppBench, defineBackfill, numbers, type NumberRange } from '../../support/apps/index.js';
import { startAdminApp, type AdminApp } from '../../support/admin/index.js';
import { inspect, LOOKS, openBrowser } from '../../support/browser/index.js';
import { sized } from '../../support/thorough.js';

const SLOW = { batchSize: 2, perSecondOnPeak: 10, perSecondOffPeak: 10 };

const bench = await createAppBench();

describe('the page', () => {
  let admin: AdminApp;
  let browser: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser({ viewport: { width: 1200, height: 900 } });
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    page = await browser.newPage();
  });
  afterEach(async () => {
    await page.close();
    await admin.close();
  });

  const start = async (handlerName?: string): Promise<AdminApp> =>
    startAdminApp(bench, {
      admin: { path: 'ops', allowUnguarded: true },
      handlers: handlerName
        ? [
            defineBackfill({
              name: handlerName,
              source: numbers(100_000),
              config: SLOW,
              processRange: () => {},
            }),
          ]
        : [],
    });
  const show = (hash: string) => page.goto(`${admin.origin}/ops/ui${hash}`);

  it('says that an app has no backfills', async () => {
    admin = await start();
    await show('');
    await page.getByText('No handler of this app is decorated with @Backfill').waitFor();
    expect(await page.locator('.item').count()).toBe(0);
  });

  it('shows a run whose handler is gone, and lets it be cancelled and nothing else', async () => {
    admin = await start('gone');
    await admin.backfills.start('gone');
    await admin.close();
    admin = await start('other');
    await show('');
    await page.locator('[data-group="attention"] .item[data-name="gone"]').waitFor();
    await page.getByRole('link', { name: 'gone', exact: true }).click();
    await page.getByText('This app has no handler of this name').waitFor();
    await page.locator('.warnings li').filter({ hasText: 'This app has no handler named "gone"' }).waitFor();
    expect(await page.locator('.detail-head button').allTextContents()).toEqual(['Pause…', 'Cancel…']);
    expect(await page.locator('.panel').count()).toBe(0);
    for (const [colorScheme, width] of sized(0, 1) === 1 ? LOOKS : ([['light', 1200]] as const)) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await inspect(page, `handler-gone-${width}-${colorScheme}`);
    }
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.locator('.detail-head .badge[data-state="cancelled"]').waitFor();
    expect(await page.locator('.detail-head button').count()).toBe(0);
  });

  it('loads the chart only where there is one, and says the value under the pointer', async () => {
    admin = await start('steady');
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
    await show('');
    await page.locator('.item').first().waitFor();
    expect(loaded.filter((path) => path.includes('uplot.min'))).toEqual([]);
    await admin.backfills.start('steady');
    await page.getByRole('link', { name: 'steady', exact: true }).click();
    const chart = page.locator('.chart canvas');
    await chart.waitFor();
    expect(loaded.filter((path) => /uplot\.min\.[0-9a-f]{12}\.(js|css)$/.test(path)).length).toBe(2);
    await page.locator('.chart .u-over').hover();
    await page
      .locator('.point')
      .filter({ hasText: /^\d\d:\d\d:\d\d \w+: [\d.]+ ranges\/s, 10 configured$/ })
      .waitFor();
    await page.getByRole('button', { name: 'Whole run' }).click();
    await chart.waitFor();
    await page.locator('.ranges [aria-pressed="true"]').filter({ hasText: 'Whole run' }).waitFor();
  });

  it('is cached for good and compressed, except the document', async () => {
    admin = await start('steady');
    const caching: string[] = [];
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (!pathname.includes('/ui')) return;
      const { 'cache-control': control, 'content-encoding': encoding } = response.headers();
      caching.push(`${pathname.endsWith('/ui') ? 'document' : 'file'}: ${control}, ${encoding}`);
    });
    await show('');
    await page.locator('.item').first().waitFor();
    expect(new Set(caching)).toEqual(
      new Set(['document: no-cache, gzip', 'file: private, max-age=31536000, immutable, gzip']),
    );
  });

  it('has one timeline, with a filter and older entries on demand', async () => {
    admin = await start('steady');
    for (let batchSize = 100; batchSize < 140; batchSize++) {
      await admin.backfills.configure('steady', { batchSize }, { by: 'bob' });
    }
    await admin.backfills.start('steady', { startedBy: 'ada' });
    await show('#/steady');
    const timeline = page.getByRole('region', { name: 'Timeline' }).locator('tbody tr');
    await timeline.filter({ hasText: 'ada' }).waitFor();
    expect(await timeline.count()).toBe(30);
    await page.getByRole('button', { name: 'Show older' }).click();
    await timeline.filter({ hasText: 'Batch size 2 → 100' }).waitFor();
    expect(await timeline.count()).toBe(41);
    await page.getByLabel('Show', { exact: true }).selectOption('Actions');
    await timeline.filter({ hasText: 'started' }).waitFor();
    expect(await timeline.allTextContents()).toHaveLength(1);
  });

  it('has a stream for each visible tab where the browser has no locks', async () => {
    admin = await start('steady');
    await page.addInitScript("Object.defineProperty(navigator, 'locks', { value: undefined })");
    await show('');
    const connection = (text: string) => page.locator('#connection').filter({ hasText: text }).waitFor();
    const setHidden = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await connection('Live');
    await setHidden(true);
    await connection('Connecting');
    await setHidden(false);
    await connection('Live');
  });

  it('says what a stalled run waits for, as the endpoint, its schema and the command line do, and in the timeline', async () => {
    const touch = defineBackfill<NumberRange>({
      name: 'touch',
      source: numbers(1),
      processRange: async ({ low }, { em }) => {
        await (em as SqlEntityManager).execute('update items set touches = 1 where id = ?', [low]);
      },
    });
    await bench.fillItems([1]);
    admin = await startAdminApp(bench, {
      admin: { path: 'ops', allowUnguarded: true },
      handlers: [touch],
      options: { stalledAfter: 1_000 },
    });
    await bench.database.query('begin');
    try {
      await bench.database.query(`update items set state = 'seen' where id = 1`);
      await admin.backfills.start('touch');
      await show('#/touch');
      const words = page.locator('.words[data-stopped]');
      await words
        .filter({ hasText: /stalled: nothing done for .*, waiting for a row lock on items/ })
        .waitFor();
      await words.filter({ hasText: 'idle in transaction' }).waitFor();
      await page.locator('.detail-head .badge').filter({ hasText: 'stalled' }).waitFor();
      await page.getByRole('cell', { name: /^waiting for a row lock on items/ }).waitFor();
      await inspect(page, 'stalled');

      const { body } = await admin.client.get<BackfillStatus>('/touch');
      expect(statusResponse.parse(body).stalled).toEqual(body.stalled);
      expect(body.stalled?.waitingFor.kind).toBe('lock');
      const { out } = await new CommandLine(admin.app).piped('status', 'touch');
      expect(out).toMatch(/stalled: nothing done for \d+ s, waiting for a row lock on items for/);
      await show('');
      await page.locator('[data-group="attention"] .item[data-name="touch"]').waitFor();
    } finally {
      await bench.database.query('rollback');
    }
    await page.locator('[data-group="done"] .item[data-name="touch"]').waitFor();
  });

  it('asks for a reason of a pause, which may be empty, and keeps the focus', async () => {
    admin = await start('steady');
    await admin.backfills.start('steady');
    await show('#/steady');
    const focused = () => page.evaluate('document.activeElement.textContent');
    await page.getByRole('button', { name: 'Pause…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.detail-head .badge[data-state="paused"]').waitFor();
    expect(await focused()).toBe('Resume');
    await page.keyboard.press('Enter');
    await page.locator('.detail-head .badge[data-state="running"]').waitFor();
    expect(await focused()).toBe('Pause…');
  });
});
