import type { NextFunction, Request, Response } from 'express';
import { map } from 'rxjs';
import { keyset, NonRetryableError } from 'nestjs-backfill';
import type { BrowserContext, Page } from 'playwright-core';
import { z } from 'zod';
import { RunStore } from '../../../lib/state/run.store.js';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';
import { startAdminApp, type AdminApp } from '../../support/admin/index.js';
import { inspect, openBrowser } from '../../support/browser/index.js';

const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;

/** Longer than what a rehearsal shows of a value. */
const LONG = 'x'.repeat(300);

const bench = await createAppBench();

describe('the page', () => {
  let admin: AdminApp;
  let browser: BrowserContext;
  let page: Page;
  let problems: string[];
  let broken: boolean;
  let isDisconnected: boolean;
  let openStreams: Response[];

  beforeAll(async () => {
    browser = await openBrowser({ viewport: { width: 1200, height: 900 } });
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    broken = true;
    isDisconnected = false;
    openStreams = [];
    admin = await startAdminApp(bench, {
      admin: { path: 'ops', allowUnguarded: true, actor: () => 'ada' },
      configure: (app) => {
        // The page must find the endpoints below a global prefix, and unwrap their responses.
        app.setGlobalPrefix('deep/api');
        app.useGlobalInterceptors({
          intercept: (_context, next) => next.handle().pipe(map((data: unknown) => ({ data }))),
        });
        app.use((request: Request, response: Response, next: NextFunction) => {
          if (!request.path.endsWith('/events')) {
            next();
          } else if (isDisconnected) {
            response.status(502).end();
          } else {
            openStreams.push(response);
            next();
          }
        });
      },
      handlers: [
        defineBackfill({
          name: 'steady',
          description: HOSTILE,
          source: numbers(2000),
          config: { batchSize: 1, perSecondOnPeak: 20, perSecondOffPeak: 20 },
          processRange: () => {},
        }),
        defineBackfill({
          name: 'swept',
          // A sweep finds nothing left.
          source: {
            ...numbers(10),
            openSweep: async () => [{ name: '', bounds: true }],
            planSweep: async () => ({ ranges: [], cursor: null, exhausted: true }),
          },
          verify: true,
          config: { batchSize: 5, perSecondOnPeak: null, perSecondOffPeak: null },
          processRange: () => {},
        }),
        defineBackfill<never, Item>({
          name: 'items',
          source: keyset(Item, { orderBy: { id: 'asc' } }),
          rehearsal: { mask: ['touches'] },
          config: { perSecondOnPeak: 0, perSecondOffPeak: 0 },
          processBatch: (rows) =>
            rows.forEach((row) =>
              Object.assign(
                row,
                row.id === 2 ? {} : { state: row.id === 4 ? LONG : HOSTILE, touches: 7_331 },
              ),
            ),
        }),
        defineBackfill({
          name: 'keyed',
          params: z.object({
            count: z.int().min(1).meta({ title: 'Count', description: 'How many rows' }),
            token: z.string().meta({ secret: true }),
            since: z.coerce.date().optional(),
            mode: z.enum(['fast', 'slow']).default('fast'),
            tags: z.array(z.string()).default([]),
            sure: z.boolean().default(false),
          }),
          source: ({ params }) => numbers((params as { count: number }).count),
          config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null },
          processRange: () => {},
        }),
        defineBackfill({
          name: 'flaky',
          source: numbers(10),
          config: { batchSize: 5, perSecondOnPeak: null, perSecondOffPeak: null, attempts: 1, backoffMs: 0 },
          processRow: ({ id }: { id: number }) => {
            if (id === 7 && broken) {
              throw new NonRetryableError(HOSTILE);
            }
          },
        }),
      ],
    });
    problems = [];
    page = await browser.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    page.on(
      'console',
      (line) => line.text().includes('Content Security Policy') && problems.push(line.text()),
    );
    await page.goto(`${admin.origin}/deep/api/ops/ui`);
  });
  afterEach(async () => {
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(problems).toEqual([]);
    await page.close();
    await admin.close();
  });

  const open = (name: string) => page.getByRole('link', { name, exact: true }).click();
  const badge = (state: string) => page.locator(`.detail-head .badge[data-state="${state}"]`).waitFor();
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

  it('rehearses by keyboard, and shows what changed without masked values', async () => {
    await bench.fillItems('SELECT generate_series(1, 3)');
    await open('items');
    await page.getByRole('button', { name: 'Rehearse…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('1');
    await page.keyboard.press('Enter');
    await page.locator('#rehearse-rows-error').waitFor();
    await page.getByLabel('Rows').fill('5');
    await page.keyboard.press('Enter');
    await page.getByText('3 rows in 3 batches: 2 changed, 1 untouched, 0 failed').waitFor();
    const cells = await page.locator('.rehearsal tbody td').allTextContents();
    expect(cells.slice(1, 8)).toEqual([
      'state',
      'new',
      HOSTILE,
      expect.stringMatching(/1|3/),
      'touches',
      '***',
      '***',
    ]);
    expect(await page.locator('.rehearsal').textContent()).not.toContain('7331');
    await page.setViewportSize({ width: 360, height: 800 });
    await inspect(page, 'rehearsal-360');
    await page.setViewportSize({ width: 1200, height: 900 });
    await inspect(page, 'rehearsal-1200');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await bench.database.query('select 1 from items where touches > 0')).toEqual([]);
  });

  it('rehearses with whole values, and shows the forecast of the run beside what came true', async () => {
    await bench.fillItems('SELECT 4');
    await admin.backfills.configure('items', { perSecondOnPeak: 1, perSecondOffPeak: 1 });
    await open('items');
    await press('Rehearse…');
    await press('Rehearse');
    const value = (text: string) =>
      page.locator('.rehearsal tbody').getByText(text, { exact: true }).waitFor();
    await value(`${'x'.repeat(200)}… (300 characters)`);
    await page.getByLabel('Whole values').check();
    await press('Rehearse');
    await value(LONG);
    await page.getByText(/^Duration: /).waitFor();
    await press('Close');

    const { runId } = await admin.backfills.start('items');
    await eventually(
      'the log of the run to be recorded',
      () => admin.backfills.status('items'),
      ({ forecast }) => forecast !== null && forecast.actual.serverWalBytes !== null,
    );
    const [time, bytes] = [String.raw`[\d,]+ m?s`, String.raw`[\d.]+ [kM]?B`];
    const text = new RegExp(
      `^Forecast: ${time} \\(${time} to ${time}\\); took ${time} for 1 row; ` +
        `write-ahead log ${bytes} \\(${bytes} to ${bytes}\\), the whole server wrote ${bytes}\\.$`,
    );
    await page.goto(`${admin.origin}/deep/api/ops/ui#/items/runs/${runId}`);
    await page.getByText(runId, { exact: true }).waitFor();
    await page.getByText(text).waitFor();
    await page.goto(`${admin.origin}/deep/api/ops/ui#/items`);
    await page.locator('.status-text').getByText(text).waitFor();
  });

  it('starts, tunes, pauses, resumes and cancels a run, and shows its progress', async () => {
    await open('steady');
    await press('Start…');
    await press('Preview');
    await page.getByText(/^2,000 ranges over 2,000 rows/).waitFor();
    await page.getByLabel('Reason (kept in the history)').fill('the first try');
    await press('Start');
    await badge('running');
    await page.locator('.status-text').getByText('Started').filter({ hasText: 'the first try' }).waitFor();
    const percent = async () => Number(await page.getByRole('progressbar').getAttribute('aria-valuenow'));
    await eventually('the progress bar to move', percent, (value) => value > 0);
    await page.locator('.chart canvas').waitFor();

    await page.getByLabel('Ranges/s on peak').fill('40');
    await page.getByLabel('Ranges/s off peak').fill('40');
    await press('Review changes');
    await page.locator('.changes li').filter({ hasText: 'Ranges/s on peak 20 → 40' }).waitFor();
    await page.getByText('On peak: 40 ranges/s × 1 = 40 rows/s at most.').waitFor();
    await page.getByText(/A run over the whole table/).waitFor();
    expect((await admin.backfills.config('steady')).version).toBe('0');
    await page.locator('.review').getByLabel('Reason (kept in the history)').fill('faster');
    await press('Apply');
    await eventually(
      'the new rate',
      () => admin.backfills.status('steady'),
      ({ rate }) => rate.perSecond === 40,
    );
    await page.getByLabel('Show').selectOption('Config changes');
    const changes = page.getByRole('region', { name: 'Timeline' }).locator('tbody tr').first();
    await changes.filter({ hasText: 'Ranges/s on peak 20 → 40' }).waitFor();
    await changes.filter({ hasText: 'Ranges/s off peak 20 → 40' }).waitFor();
    await changes.filter({ hasText: 'ada: faster' }).waitFor();

    await admin.backfills.configure('steady', { batchSize: 1, concurrency: 2 }, { by: 'bob' });
    await changes.filter({ hasText: 'bob' }).waitFor();
    expect(await changes.locator('li').allTextContents()).toEqual(['Concurrency 4 → 2']);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await page.locator('.chart canvas').count()).toBe(1);

    await press('Pause…');
    await page.getByLabel('Reason (kept in the history)').fill('lunch');
    await press('Pause the run');
    await badge('paused');
    await page
      .locator('.words')
      .filter({ hasText: /paused .*ago by ada: lunch|paused by ada: lunch/ })
      .waitFor();
    await press('Resume');
    await badge('running');
    await press('Cancel…');
    await press('Go back');
    expect((await admin.backfills.status('steady')).state).toBe('running');
    await press('Cancel…');
    await press('Cancel the run');
    await badge('cancelled');
    expect((await admin.backfills.status('steady')).state).toBe('cancelled');
  });

  it('sets bounds of a concurrency, and says what is wrong with others', async () => {
    await open('steady');
    const field = page.getByLabel('Concurrency', { exact: true });
    await field.fill('{"min": 3, "max": 2}');
    await press('Review changes');
    await eventually(
      'the error of the field',
      () => field.getAttribute('aria-invalid'),
      (invalid) => invalid === 'true',
    );
    const before = await admin.backfills.config('steady');
    expect(before.config.concurrency).not.toEqual({ min: 3, max: 2 });
    await field.fill('{"min": 1, "max": 6}');
    await press('Review changes');
    await press('Apply');
    const { config } = await eventually(
      'the bounds',
      () => admin.backfills.config('steady'),
      ({ version }) => version !== before.version,
    );
    expect(config.concurrency).toEqual({ min: 1, max: 6 });
    await eventually(
      'the bounds in the field',
      () => field.inputValue(),
      (text) => text.includes('6'),
    );
    await admin.backfills.configure('steady', { concurrency: before.config.concurrency });
  });

  it('rejects config changes that are based on an old version', async () => {
    await open('steady');
    await page.getByLabel('Batch size').fill('3');
    await press('Review changes');
    await page.locator('.changes li').waitFor();
    await admin.backfills.configure('steady', { batchSize: 5 });
    await press('Apply');
    await page.getByText('The config was changed by somebody else', { exact: false }).waitFor();
    expect((await admin.backfills.config('steady')).config.batchSize).toBe(5);
  });

  it('escapes the texts of failures, and retries them', async () => {
    await admin.backfills.start('flaky', { startedBy: HOSTILE, reason: HOSTILE });
    await open('flaky');
    await badge('failed');
    await page.locator('.failure-group summary').filter({ hasText: 'NonRetryableError' }).click();
    const failure = page.locator('.failure summary');
    await failure.click();
    expect(await failure.textContent()).toBe(`NonRetryableError: ${HOSTILE}`);
    expect(await page.locator('main img, main script').count()).toBe(0);
    broken = false;
    await press('Retry 1 failure…');
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 1 failure', exact: true }).click();
    await badge('completed');
    await page.getByText('No failures.').waitFor();
  });

  it('shows that it reconnects when the event stream ends, and recovers', async () => {
    const connection = page.locator('#connection');
    await connection.filter({ hasText: 'Live' }).waitFor();
    isDisconnected = true;
    openStreams.forEach((response) => response.destroy());
    await connection.filter({ hasText: 'Reconnecting' }).waitFor();
    isDisconnected = false;
    await connection.filter({ hasText: 'Live' }).waitFor();
    await admin.backfills.start('flaky');
    await page
      .locator('.item')
      .filter({ hasText: 'flaky' })
      .locator('[data-state="failed"]')
      .first()
      .waitFor();
  });

  it('sorts failed backfills before running ones, and keeps the focus', async () => {
    const names = () => page.locator('.item h3').allTextContents();
    await page.locator('.item').first().waitFor();
    expect(await names()).toEqual(['flaky', 'items', 'keyed', 'steady', 'swept']);
    await admin.backfills.start('steady');
    await eventually('steady to come first', names, ([first]) => first === 'steady');
    await page.getByRole('link', { name: 'steady', exact: true }).focus();
    await admin.backfills.start('flaky');
    await eventually('flaky to come first', names, ([first]) => first === 'flaky');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('steady');
  });

  it('starts a canary by keyboard, shows its verdict, and resumes the whole run once that is confirmed', async () => {
    await open('flaky');
    await page.getByRole('button', { name: 'Start…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Canary: rows').focus();
    await page.keyboard.type('none');
    await page.keyboard.press('Enter');
    await page.locator('#start-canary-rows-error').filter({ hasText: 'a whole number from 1' }).waitFor();
    await page.getByLabel('Canary: rows').fill('3');
    await page.getByLabel('Should end by').fill('2099-01-31T18:00');
    await page.getByLabel('Canary: most failures').focus();
    await page.keyboard.type('0');
    await inspect(page, 'start-dialog-canary');
    await page.keyboard.press('Enter');
    await badge('paused');
    const panel = page.getByRole('region', { name: 'Canary' });
    await panel.getByText('canary passed: 3 rows handed out, no failures').waitFor();
    await page.getByText('started with a canary of 3 rows').waitFor();
    await page.getByText(/^should end by 31 Jan/).waitFor();
    const { runId } = await admin.backfills.status('flaky');
    await admin.app.get(RunStore).setFields(runId ?? '', { finishBy: Date.now() - 90_000 });
    await page.getByText(/^late: it ends at least 1 min.* it is paused: canary passed/).waitFor();
    await page.getByText(/^late: at least 1 min/).waitFor();
    await page.getByRole('button', { name: 'Resume the whole run…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('without the limit of its canary: 7 rows are left').waitFor();
    await dialog.getByRole('button', { name: 'Resume the whole run' }).focus();
    await page.keyboard.press('Enter');
    await badge('failed');
    await panel.waitFor();

    await admin.backfills.start('flaky', { canary: { rows: 5 } });
    await badge('paused');
    await page.locator('.verdict').filter({ hasText: '1 failure exceeds its maxFailures (0)' }).waitFor();
    await press('Resume the whole run…');
    await dialog.getByText('The canary failed.').waitFor();
    await inspect(page, 'canary-failed');
    await page.keyboard.press('Escape');
  });

  it('can be used with the keyboard alone', async () => {
    await page.locator('.item').first().waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the backfills');
    await page.getByRole('link', { name: 'steady', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.detail-head').waitFor();
    await page.getByRole('button', { name: 'Start…' }).waitFor();
    await page.getByRole('button', { name: 'Start…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('verifies a run as the backfill says, or as the operator decides with the keyboard', async () => {
    const verify = page.getByRole('checkbox', { name: 'Verify after the walk' });
    /** Starts a run after so many presses of the space bar on the checkbox; answers what was sent. */
    const startAfter = async (presses: number) => {
      await page.getByRole('button', { name: 'Start…' }).focus();
      await page.keyboard.press('Enter');
      await verify.focus();
      for (let i = 0; i < presses; i++) {
        await page.keyboard.press('Space');
      }
      await inspect(page, `start-dialog-${presses}`);
      await page.getByRole('button', { name: 'Start', exact: true }).focus();
      const [request] = await Promise.all([
        page.waitForRequest((sent) => sent.method() === 'POST' && sent.url().endsWith('/start')),
        page.keyboard.press('Enter'),
      ]);
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      const { runId, verified } = await eventually(
        'the run to end',
        () => admin.backfills.status('swept'),
        ({ state }) => state === 'completed',
      );
      await badge('completed');
      return { body: request.postDataJSON() as unknown, runId, verified: verified !== null };
    };
    await open('swept');

    expect(await startAfter(0)).toMatchObject({ body: {}, verified: true });
    await page.reload();
    expect(await startAfter(1)).toMatchObject({ body: { verify: true }, verified: true });
    await page.reload();
    expect(await startAfter(2)).toMatchObject({ body: { verify: false }, verified: false });
  });

  it('asks for parameters by their schema, with the keyboard, and shows errors at their fields', async () => {
    await open('keyed');
    await page.getByRole('button', { name: 'Start…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    const field = (label: string) => dialog.getByLabel(label, { exact: true });
    await field('Count').focus();
    await page.keyboard.type('many');
    await page.keyboard.press('Tab');
    await page.keyboard.type('geheim');
    await page.keyboard.press('Enter');
    await dialog.getByText('Must be a number.').waitFor();
    await field('Count').fill('-1');
    await page.keyboard.press('Enter');
    await dialog.getByText('Must be number to be >=1. Got -1.').waitFor();
    expect(await field('Count').getAttribute('aria-invalid')).toBe('true');
    expect(await field('token').getAttribute('type')).toBe('password');
    await field('Count').fill('30');
    await field('since').fill('2030-01-02T03:04:05');
    await field('mode').selectOption('slow');
    await field('tags').fill('{');
    await press('Preview');
    await dialog.getByText('Must be JSON.').waitFor();
    await field('tags').fill('["a"]');
    await press('Preview');
    await dialog.getByText(/^3 ranges over 30 rows/).waitFor();
    await inspect(page, 'start-params');
    await field('Count').fill('20');
    await dialog.getByText('What it was asked for was changed after this preview.').waitFor();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await badge('completed');
    const panel = page.getByRole('region', { name: 'Parameters' });
    await panel.getByText('***').waitFor();
    expect(await panel.innerText()).not.toContain('geheim');
    expect((await admin.backfills.status('keyed')).params).toMatchObject({
      count: 20,
      token: '***',
      mode: 'slow',
      tags: ['a'],
      sure: false,
    });
    await inspect(page, 'detail-params');

    await press('Rehearse…');
    await field('Count').fill('-1');
    await field('token').fill('geheim');
    await page.keyboard.press('Enter');
    await dialog.getByText('Must be number to be >=1. Got -1.').waitFor();
  });

  it('has no serious accessibility violation and no overflow: light, dark, narrow', async () => {
    await admin.backfills.start('steady', { startedBy: 'ada', reason: 'a picture' });
    await admin.backfills.start('flaky');
    const looks = [
      ['light', 1200, 'light'],
      ['dark', 1200, 'dark'],
      ['narrow', 360, 'light'],
    ] as const;
    for (const [name, width, colorScheme] of looks) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      // Loads the page anew, which another hash would not.
      await page.goto(`${admin.origin}/deep/api/ops/ui?look=${name}`);
      await page.locator('.item [data-state="failed"]').first().waitFor();
      await inspect(page, `${name}-list`);
      await open('steady');
      await page.locator('.chart canvas').waitFor();
      await inspect(page, `${name}-one`);
    }
  });
});
