import type { NextFunction, Request, Response } from 'express';
import type { BrowserContext, Page } from 'playwright-core';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { createAppBench, eventually } from '../../support/apps/index.js';
import { manyBackfills, startAdminApp, startMany, type AdminApp } from '../../support/admin/index.js';
import { inspect, LOOKS, openBrowser, type Look } from '../../support/browser/index.js';
import { sized } from '../../support/thorough.js';

const bench = await createAppBench();

/** Where all views are looked at, `npm run test:thorough` does so in each theme and at each width. */
const IS_FULL = sized(0, 1) === 1;
const DIALOG_LOOKS = IS_FULL ? LOOKS : ([['light', 360]] as const);
const VIEW_LOOKS = IS_FULL ? LOOKS : ([['dark', 320]] as const);
/** Address and what it shows once it is drawn. */
const VIEWS: Readonly<Record<string, readonly [hash: string, sign: string]>> = {
  list: ['#/', '.item'],
  running: ['#/running-01', '.chart canvas'],
  failed: ['#/failed-01', '.failure-group'],
  'paused-itself': ['#/broken-01', '.failure-group'],
  never: ['#/never-01', '.tuning'],
  'unknown-name': ['#/none', '.alert'],
};
const FURTHER_VIEWS: typeof VIEWS = {
  'list-filtered': ['#/?q=0&state=attention&sort=percent', '.item'],
  'list-no-match': ['#/?q=nothing', '.empty'],
  held: ['#/held-01', '.chart'],
  paused: ['#/paused-01', '.tuning'],
  completed: ['#/done-01', '.tuning'],
  cancelled: ['#/cancelled-01', '.tuning'],
  'chart-markers': ['#/running-09', '.chart canvas'],
  'unknown-address': ['#/failed-01/nonsense', '.empty'],
  'unknown-run': ['#/failed-01/runs/none', '.alert'],
};

describe('the page of 61 backfills in every state', () => {
  let admin: AdminApp;
  let browser: BrowserContext;
  let page: Page;
  let problems: string[];
  let base: string;
  /** What the server does instead of answering. */
  let trouble: 'none' | 'signed out' | 'away';

  beforeAll(async () => {
    browser = await openBrowser({ viewport: { width: 1440, height: 900 } });
    admin = await startAdminApp(bench, {
      keyPrefix: `${bench.redis.prefix}-many`,
      handlers: manyBackfills(),
      admin: { path: 'ops', allowUnguarded: true, actor: () => 'ada' },
      configure: (app) => {
        app.use((request: Request, response: Response, next: NextFunction) => {
          if (trouble === 'away') {
            request.destroy();
          } else if (trouble === 'signed out') {
            response.status(401).json({ statusCode: 401, message: 'Unauthorized' });
          } else {
            next();
          }
        });
      },
    });
    base = `${admin.origin}/ops/ui`;
    await startMany(admin.backfills);
  });
  afterAll(async () => {
    await browser.close();
    await admin.close();
  });

  beforeEach(async () => {
    trouble = 'none';
    problems = [];
    page = await openPage();
  });
  afterEach(async () => {
    expect(problems).toEqual([]);
    await page.close();
  });

  async function openPage(hash = ''): Promise<Page> {
    const opened = await browser.newPage();
    opened.on('pageerror', (error) => problems.push(error.message));
    opened.on('console', (line) => {
      if (line.text().includes('Content Security Policy')) problems.push(line.text());
    });
    await opened.goto(`${base}${hash}`);
    return opened;
  }

  const names = (group: string): Promise<string[]> =>
    page.locator(`[data-group="${group}"] .item h3`).allTextContents();
  const words = (name: string): Promise<string | null> =>
    page.locator(`.item[data-name="${name}"] .words`).textContent();
  const button = (name: string | RegExp) =>
    page.getByRole('button', { name, exact: typeof name === 'string' });
  const press = (name: string | RegExp) => button(name).click();
  const connection = (text: string) => page.locator('#connection').filter({ hasText: text }).waitFor();
  const go = (hash: string) => page.evaluate(`location.hash = ${JSON.stringify(hash)}`);

  it('groups them by what they need, on a dense list that says since when and why', async () => {
    await page.locator('.item').first().waitFor();
    expect(await page.locator('.group h2').allTextContents()).toEqual([
      'Needs attention 12',
      'Running 10',
      'Paused by somebody 5',
      'Done 16',
      'Never run 18',
    ]);
    expect((await names('attention')).map((name) => name.split('-')[0])).toEqual([
      ...Array<string>(3).fill('broken'),
      ...Array<string>(5).fill('failed'),
      ...Array<string>(4).fill('held'),
    ]);
    expect(await words('failed-01')).toMatch(/^failed at \d\d:\d\d:\d\d \w+, took .*, 20 failures/);
    expect(await words('broken-01')).toMatch(/^paused itself.*maxFailures/);
    expect(await words('held-01')).toMatch(/^held: /);
    expect(await words('running-01')).toMatch(/^running for .*, started by ada: ticket 4711$/);
    expect(await words('paused-01')).toMatch(/^paused.* by carol: the table is locked$/);
    expect(await words('done-01')).toMatch(/^completed at \d\d:\d\d:\d\d \w+, took /);
    expect(await page.locator('.item[data-name="held-01"] .badge').textContent()).toBe('held');
    await page.locator('.item[data-name="running-01"]').filter({ hasText: 'ends in' }).waitFor();
    expect(await page.locator('.item[data-name="never-01"]').isVisible()).toBe(false);
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThan(3000);
    await page.getByRole('heading', { name: 'Never run' }).click();
    await page
      .locator('.item[data-name="never-18"]')
      .filter({ hasText: 'Moves the never numbers' })
      .waitFor();
  });

  it('is searched by /, filtered and sorted, as its URL says', async () => {
    await page.locator('.item').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('PAUSED-0');
    await eventually(
      'those found',
      () => page.locator('.item h3').allTextContents(),
      (found) => found.length === 5,
    );
    expect(page.url()).toContain('#/?q=PAUSED-0');
    await page.reload();
    await page.locator('.item').first().waitFor();
    expect(await page.locator('.item h3').count()).toBe(5);
    await page.locator('.controls input').press('Escape');
    await page.getByLabel('State').selectOption({ label: 'Done (16)' });
    await page.getByLabel('Order').selectOption('Progress');
    expect(page.url()).toMatch(/#\/\?state=done&sort=percent$/);
    await eventually(
      'the order',
      () => page.locator('.item h3').allTextContents(),
      (found) => found.length === 16 && found[0] === 'done-01' && found[15]?.startsWith('cancelled') === true,
    );
    await page.getByLabel('Search').fill('no such thing');
    await page.getByText('No backfill matches.').waitFor();
    await page.getByRole('link', { name: 'Show all' }).click();
    await page.locator('.item[data-name="running-10"]').waitFor();
  });

  it.each([
    ['the list', '#/', '.item[data-name="failed-01"]'],
    ['one backfill', '#/failed-01', '.failure-group'],
  ])('says on %s that it is signed out, or that the server is away, and recovers', async (_, hash, kept) => {
    await go(hash);
    await page.locator(kept).first().waitFor();
    await connection('Live');
    await page.locator('.age').filter({ hasText: 'updated' }).waitFor();
    trouble = 'signed out';
    await connection('Signed out');
    await page.getByRole('alert').filter({ hasText: 'You are signed out' }).waitFor();
    trouble = 'away';
    await connection('Server away since');
    await page.locator('.age[data-old]').waitFor();
    // What was known stays.
    await page.locator(kept).first().waitFor();
    trouble = 'none';
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await connection('Live');
  });

  it('draws addresses that lead nowhere on purpose', async () => {
    await go('#/%E0%A4%A');
    await page.getByRole('heading', { name: 'Nothing is at this address' }).waitFor();
    await go('#/failed-01/nonsense');
    await page.getByText('#/failed-01/nonsense').waitFor();
    await go('#/none%20such');
    await page.getByRole('alert').filter({ hasText: 'There is no backfill "none such".' }).waitFor();
    expect(await page.getByRole('button').count()).toBe(0);
    await go('#/failed-01/runs/none');
    await page.getByRole('alert').filter({ hasText: 'failed-01 has no run none.' }).waitFor();
    await go('#/');
    await page.locator('.item').first().waitFor();
  });

  it('is used from the list to a retried group with the keyboard alone', async () => {
    await page.locator('.item').first().waitFor();
    const focused = () =>
      page.evaluate(
        'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent',
      );
    /** Presses Tab until the element has the focus. */
    const tabTo = async (text: RegExp) => {
      for (let i = 0; i < 100; i++) {
        await page.keyboard.press('Tab');
        if (text.test(String(await focused()))) return;
      }
      throw new Error(`Expected Tab to reach ${text}, got ${String(await focused())}`);
    };
    await tabTo(/^failed-02$/);
    await page.keyboard.press('Enter');
    await button(/^Retry 15… DuplicateKey|^Retry 15… .*duplicate key/).waitFor();
    await tabTo(/^Retry 15…/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('duplicate key', { exact: false }).waitFor();
    await page.keyboard.type('index was dropped');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('td').filter({ hasText: 'retried 15 failures' }).waitFor();
    await page.locator('td').filter({ hasText: 'ada: index was dropped' }).first().waitFor();
    expect(await page.evaluate('document.activeElement === document.body')).toBe(false);
    await page.locator('.detail-head .badge[data-state="failed"]').waitFor();
  });

  it('offers for each state what comes next', async () => {
    const primary = async (name: string) => {
      await go(`#/${name}`);
      await page.locator('.detail-head h2').filter({ hasText: name }).waitFor();
      return page.locator('.detail-head button.primary').allTextContents();
    };
    expect(await primary('failed-01')).toEqual(['Retry 20 failures…']);
    expect(await primary('paused-01')).toEqual(['Resume']);
    expect(await primary('running-01')).toEqual([]);
    expect(await primary('done-01')).toEqual(['Start…']);
    expect(await primary('never-01')).toEqual(['Start…']);
    await page.getByText('It has never run.').waitFor();
  });

  it('groups failures, finds them, shows one, and keeps them on the page of their run', async () => {
    await go('#/failed-03');
    await page.getByText('20 failures of 2 kinds').waitFor();
    const groups = page.locator('.failure-group');
    expect(await groups.locator('> .failure-count strong').allTextContents()).toEqual(['15', '5']);
    await groups.nth(1).locator('summary').first().click();
    await page.locator('.failure').filter({ hasText: 'timeout after 12 ms' }).waitFor();
    await page.getByLabel('Search failures').fill('after 16 ms');
    await eventually(
      'the one that matches',
      () => page.locator('.failure').count(),
      (count) => count === 1,
    );
    await page.getByLabel('Search failures').fill('');
    await page.locator('section').filter({ hasText: 'Runs' }).getByRole('link').first().click();
    await page.getByRole('heading', { name: /^Run of failed-03/ }).waitFor();
    expect(page.url()).toMatch(/#\/failed-03\/runs\/[\w-]+$/);
    await page.getByText('20 failures of 2 kinds').waitFor();
    await page.reload();
    await page.getByText('20 failures of 2 kinds').waitFor();
    const config = page.getByRole('region', { name: 'Config of the run' });
    expect(
      await config.locator('tr').filter({ hasText: 'Batch size' }).locator('td').allTextContents(),
    ).toEqual(['Batch size', '20', '20']);
  });

  it('retries failures of an older run from its page, or says why that is not possible', async () => {
    const name = 'failed-05';
    const [older] = await admin.backfills.runs(name, 1);
    await admin.backfills.start(name, { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    await go(`#/${name}/runs/${older?.id}`);
    const failures = page.getByRole('region', { name: 'Failures' });
    await failures.getByText('Another run is active.').waitFor();
    expect(await failures.getByRole('button', { name: /^Retry/ }).count()).toBe(0);
    await admin.backfills.cancel(name);
    await admin.backfills.configure(name, { perSecondOnPeak: null, perSecondOffPeak: null });
    await failures.getByRole('button', { name: /^Retry 5… / }).click();
    await press('Retry 5 failures');
    const timeline = page.getByRole('region', { name: 'Timeline' });
    await timeline.getByText('retried 5 failures').waitFor();
    await eventually(
      'them to have failed again',
      () => admin.backfills.run(name, older?.id ?? ''),
      ({ status, failures: left }) => status === 'failed' && left === 20,
    );
    await page.locator('.detail-head .badge[data-state="failed"]').waitFor();
  });

  it('tells bad values at their fields, and what somebody else has changed, and keeps what was typed', async () => {
    await go('#/never-02');
    const batch = page.getByLabel('Batch size');
    await batch.fill('many');
    await batch.press('Enter');
    await page.locator('#config-batchSize-error').filter({ hasText: 'Must be' }).waitFor();
    expect(await batch.getAttribute('aria-invalid')).toBe('true');
    await batch.fill('7');
    await page.getByLabel('Batch size').press('Enter');
    await page.locator('.changes li').filter({ hasText: 'Batch size 100 → 7' }).waitFor();
    await batch.fill('8');
    await page.getByText('The values were changed after this review').waitFor();
    await press('Review changes');
    await page.locator('.review .changes li').filter({ hasText: '100 → 8' }).waitFor();
    await admin.backfills.configure('never-02', { concurrency: 9 }, { by: 'bob' });
    await press('Apply');
    const overtaken = page.getByRole('alert').filter({ hasText: 'changed by somebody else' });
    await overtaken.filter({ hasText: 'Concurrency 4 → 9' }).waitFor();
    expect(await batch.inputValue()).toBe('8');

    await page.getByRole('link', { name: '← All backfills' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.filter({ hasText: 'Leave without applying' }).waitFor();
    await press('Stay');
    expect(await batch.inputValue()).toBe('8');
    await press('Review changes');
    await press('Apply');
    await eventually(
      'the new config',
      () => admin.backfills.config('never-02'),
      ({ config }) => config.batchSize === 8 && config.concurrency === 9,
    );
    await page.getByText('The new config is in force').waitFor();
    await page.getByRole('link', { name: '← All backfills' }).click();
    await page.locator('.item').first().waitFor();
  });

  it('tells bad bounds of a start at their fields', async () => {
    await go('#/never-03');
    await press('Start…');
    await page.getByLabel('From', { exact: true }).fill('abc');
    await page.getByLabel('From', { exact: true }).press('Enter');
    await page.locator('#start-from-error').filter({ hasText: 'Must be a whole number' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Start…');
  });

  const lookAt = async ([colorScheme, width]: Look) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    return (name: string) => inspect(page, `${name}-${width}-${colorScheme}`);
  };

  it.each(DIALOG_LOOKS)('has neither in its dialogs, forms and runs: %s, %i', async (...as) => {
    const look = await lookAt(as);
    await go('#/never-04');
    await press('Start…');
    await page.getByLabel('From', { exact: true }).fill('abc');
    await press('Preview');
    await page.locator('#start-from-error').waitFor();
    await look('start-dialog-error');
    await page.getByLabel('From', { exact: true }).fill('50');
    await press('Preview');
    await page.getByText('First ranges').first().waitFor({ state: 'attached' });
    await look('start-dialog-preview');
    await press('Go back');
    await page.getByLabel('Ranges/s on peak').fill('40');
    await press('Review changes');
    await page.locator('.review .changes').waitFor();
    await look('settings-review');
    await press('Discard');
    await go('#/failed-04');
    await page.locator('.failure-group summary').first().click();
    await page.locator('.failure summary').first().click();
    await look('failures-open');
    await press('Retry 20 failures…');
    await page.getByRole('dialog').waitFor();
    await look('retry-dialog');
    await press('Go back');
    await page.locator('section').filter({ hasText: 'Runs' }).getByRole('link').first().click();
    await page.getByRole('heading', { name: /^Run of/ }).waitFor();
    await page.getByRole('region', { name: 'Config of the run' }).locator('tbody tr').first().waitFor();
    await look('run');
    if (IS_FULL) {
      await lookAtTroubles(look);
    }
  });

  /** What the server refuses, and where it does not answer. */
  async function lookAtTroubles(look: (name: string) => Promise<void>): Promise<void> {
    await go('#/never-06');
    const { config } = await admin.backfills.config('never-06');
    await page.getByLabel('Batch size').fill('250');
    await press('Review changes');
    await page.locator('.review .changes').waitFor();
    await admin.backfills.configure('never-06', { attempts: config.attempts + 1 }, { by: 'bob' });
    await press('Apply');
    await page.locator('.overtaken').waitFor();
    await look('settings-412');
    await page.getByRole('link', { name: '← All backfills' }).click();
    await page.getByRole('dialog').waitFor();
    await look('settings-leave-dialog');
    await press('Leave');
    await page.locator('.item').first().waitFor();
    trouble = 'signed out';
    await connection('Signed out');
    await look('signed-out');
    trouble = 'away';
    await connection('Server away since');
    await page.locator('.age[data-old]').waitFor();
    await look('server-away');
    trouble = 'none';
    await connection('Live');
  }

  /** Has the history say what holds and deploys would have left in it while the run was under way. */
  async function addHoldsAndDeploys(name: string): Promise<void> {
    const { stateSince, now, runId } = await admin.backfills.status(name);
    const from = Date.parse(stateSince ?? '');
    const at = (share: number) => Math.round(from + (Date.parse(now) - from) * share);
    const reason = 'replication lag 48 s';
    const entries: [at: number, type: string, data: object][] = [
      [at(0.3), 'held', { reason }],
      [at(0.55), 'released', { reason, since: at(0.3), ended: at(0.5) }],
      [at(0.7), 'deployed', { version: '2', from: '1', processes: 3 }],
    ];
    for (const [ms, type, data] of entries) {
      const fields = ['type', type, 'backfill', name, 'run', runId ?? '', 'data', JSON.stringify(data)];
      await bench.redis.client.xadd(admin.app.get(BackfillKeys).history(name), `${ms}-0`, ...fields);
    }
  }

  it.each(VIEW_LOOKS)('has no serious accessibility violation and no overflow: %s, %i', async (...as) => {
    const look = await lookAt(as);
    if (IS_FULL && as.join() === LOOKS[0]?.join()) {
      await addHoldsAndDeploys('running-09');
    }
    for (const [name, [hash, sign]] of Object.entries({ ...VIEWS, ...(IS_FULL ? FURTHER_VIEWS : {}) })) {
      await page.goto('about:blank');
      await page.goto(`${base}${hash}`);
      await page.locator(sign).first().waitFor();
      await look(name);
    }
  });
});
