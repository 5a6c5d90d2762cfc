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

it('overrides a throttle until a time by a form, shows it with its end, and ends it', async () => {
  const admin = await startAdminApp(bench, {
    admin: { path: 'ops', allowUnguarded: true, actor: () => 'ada' },
    handlers: [
      defineBackfill({
        name: 'slow',
        source: numbers(1_000_000),
        config: { batchSize: 1, perSecondOnPeak: 10, perSecondOffPeak: 10 },
        throttles: [{ name: 'replicas', measure: () => ({ pressure: 0.5, reason: 'replicas are late' }) }],
        processRange: () => {},
      }),
    ],
  });
  const { backfills } = admin;
  await backfills.start('slow');
  const page = await browser.newPage();
  await page.goto(`${admin.origin}/ops/ui#/slow`);
  const panel = page.getByRole('region', { name: 'Throttles' }).first();
  await panel.getByText('counts in full').waitFor();
  await panel.getByRole('button', { name: 'Override replicas…' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Override the throttle replicas?').waitFor();
  await inspect(page, 'override-dialog');
  await page.keyboard.type('much');
  await page.keyboard.press('Enter');
  await dialog.getByText('Must be a number from 0 to 100').waitFor();
  await page.getByLabel('Factor').fill('0');
  await page.getByLabel('Until').fill('2001-01-01T12:00');
  await page.keyboard.press('Enter');
  await dialog.getByText('Must be a time in the future').waitFor();
  await page.getByLabel('Until').fill('2099-01-01T12:00');
  await page.getByLabel('Reason').fill('known lag');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await panel.getByText(/^is ignored until 1 Jan 2099,/).waitFor();
  await page.getByText(/^Throttle replicas is ignored until 1 Jan 2099,.* by ada: known lag$/).waitFor();
  await inspect(page, 'override-panel');
  const until = new Date('2099-01-01T12:00').toISOString();
  expect((await backfills.status('slow')).overrides).toEqual([
    { throttle: 'replicas', factor: 0, until, by: 'ada', reason: 'known lag' },
  ]);
  await eventually(
    'the configured rate',
    () => backfills.status('slow'),
    ({ rate }) => rate.perSecond === 10,
  );

  // What is in force is what the form begins with.
  await panel.getByRole('button', { name: 'Override replicas…' }).click();
  await dialog.waitFor();
  expect(await page.getByLabel('Factor').inputValue()).toBe('0');
  expect(await page.getByLabel('Until').inputValue()).toBe('2099-01-01T12:00');
  await page.getByLabel('Factor').fill('1.5');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await panel.getByText(/^counts × 1\.5 until 1 Jan 2099,/).waitFor();
  await panel.getByRole('button', { name: 'End the override of replicas' }).click();
  await panel.getByText('counts in full').waitFor();
  expect(
    (await backfills.history('slow', { types: ['overridden'] })).map(({ data }) => data['factor']),
  ).toEqual([1, 1.5, 0]);
  await page.close();
  await admin.close();
});

it('shows the budget with what is used of it, and changes its limits by a form', async () => {
  let unblock = (): void => undefined;
  const blocked = new Promise<void>((resolve) => {
    unblock = resolve;
  });
  const admin = await startAdminApp(bench, {
    admin: { path: 'ops', allowUnguarded: true, actor: () => 'ada' },
    handlers: ['one', 'two'].map((name, i) =>
      defineBackfill({
        name,
        weight: 3 * i + 1,
        source: numbers(1_000_000),
        config: { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null, concurrency: 2 },
        processRange: () => blocked,
      }),
    ),
  });
  const { backfills } = admin;
  const page = await browser.newPage();
  await page.goto(`${admin.origin}/ops/ui`);
  await page.getByRole('button', { name: 'Set a budget for all backfills…' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await page.getByLabel('Ranges at once').focus();
  await page.keyboard.press('Enter');
  await dialog.getByText('No limit differs from what is in force.').waitFor();
  await page.getByLabel('Ranges at once').fill('many');
  await page.getByLabel('Another third party').fill('directory');
  await page.getByLabel('Calls/s to it').fill('0');
  await page.keyboard.press('Enter');
  await dialog.getByText('Must be a whole number from 1 to 100,000').waitFor();
  await dialog.getByText('Must be a number from 0.001 to 1,000,000 (calls per second)').waitFor();
  await inspect(page, 'budget-dialog');
  await page.getByLabel('Ranges at once').fill('2');
  await page.getByLabel('Calls/s to it').fill('50');
  await page.getByLabel('Reason').fill('busy evening');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  const panel = page.getByRole('region', { name: 'Budget of all backfills' });
  await panel.getByText('2 ranges at once, 50 calls/s to directory').waitFor();
  await panel.getByText('No run uses it now.').waitFor();

  await backfills.start('one');
  await eventually(
    'its ranges',
    () => backfills.budget(),
    ({ ranges }) => ranges === 2,
  );
  await backfills.start('two');
  // Whether the first one asks for more places depends on when it did last.
  await panel
    .getByText(/^In use: 2 ranges in process, 0 rows\/s\. 2 runs with a part of it, .* for it\.$/)
    .waitFor();
  await panel.getByRole('row', { name: /^two 4 .* 0 Ranges at once$/ }).waitFor();
  await inspect(page, 'budget-panel');

  // Somebody else changes it while the form is open.
  await panel.getByRole('button', { name: 'Change the budget…' }).click();
  await page.getByLabel('Calls/s to directory').fill('');
  await backfills.configureBudget({ concurrency: 3, rowsPerSecond: 1000 }, { by: 'eve' });
  await page.keyboard.press('Enter');
  await dialog.getByText('The budget was changed by somebody else in the meantime.').waitFor();
  await dialog.getByText('Ranges at once 2 → 3').waitFor();
  expect(await page.getByLabel('Ranges at once').inputValue()).toBe('3');
  expect(await page.getByLabel('Calls/s to directory').inputValue()).toBe('');
  await inspect(page, 'budget-overtaken');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await panel.getByText('3 ranges at once, 1,000 rows/s').waitFor();
  expect((await backfills.budget()).patch).toMatchObject({
    concurrency: 3,
    callsPerSecond: { directory: null },
  });
  const [last, , first] = await backfills.history('*', { types: ['budgetConfigured'] });
  expect([last?.data['by'], first?.data['reason']]).toEqual(['ada', 'busy evening']);
  unblock();
  await page.close();
  await admin.close();
});
