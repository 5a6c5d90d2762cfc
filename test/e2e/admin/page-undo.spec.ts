import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset } from 'nestjs-backfill';
import type { BrowserContext } from 'playwright-core';
import { startAdminApp } from '../../support/admin/index.js';
import { createAppBench, defineBackfill, eventually, Item } from '../../support/apps/index.js';
import { inspect, openBrowser } from '../../support/browser/index.js';

const bench = await createAppBench();
let browser: BrowserContext;
beforeAll(async () => {
  browser = await openBrowser({ viewport: { width: 1200, height: 900 } });
});
afterAll(() => browser.close());

it('undoes a run by keyboard, and lists the rows that others have written since', async () => {
  const schema: string[] = [];
  await createJournalSchema({ addSql: (sql) => schema.push(sql) });
  await bench.database.query(schema.join('\n'));
  await bench.fillItems('SELECT generate_series(1, 20)');
  const admin = await startAdminApp(bench, {
    servers: { entities: [Item, ...BACKFILL_JOURNAL_ENTITIES] },
    admin: { path: 'ops', allowUnguarded: true, actor: () => 'ada' },
    handlers: [
      defineBackfill<never, Item>({
        name: 'touch',
        source: keyset(Item, { orderBy: { id: 'asc' } }),
        undo: {},
        config: { batchSize: 5, perSecondOnPeak: null, perSecondOffPeak: null },
        processBatch: (items) => items.forEach((item) => (item.touches = 9)),
      }),
    ],
  });
  const completed = (undoes: string | null) =>
    eventually(
      'touch to complete',
      () => admin.backfills.status('touch'),
      (status) => status.state === 'completed' && status.undoes === undoes,
    );
  const { runId } = await admin.backfills.start('touch');
  await completed(null);
  await bench.database.query('UPDATE items SET touches = 5 WHERE id = 7');

  const page = await browser.newPage();
  await page.goto(`${admin.origin}/ops/ui#/touch/runs/${runId}`);
  await page.getByText('The journal has the old values of about 20 rows.').waitFor();
  await page.getByRole('button', { name: 'Undo…' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('gives about 20 rows their old values back').waitFor();
  await inspect(page, 'undo-dialog');
  await page.keyboard.type('the wrong rows');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  const { runId: undoId } = await completed(runId);

  await page.getByText('completed · undo').waitFor();
  await page.getByRole('link', { name: '1 row left unchanged' }).click();
  await page.waitForURL(`**/ui#/touch/runs/${undoId}`);
  await page.getByRole('heading', { name: 'Undo of touch' }).waitFor();
  const conflicts = page.getByRole('region', { name: 'Rows that were left' });
  await conflicts.getByText('written by others since').waitFor();
  await conflicts.getByText('touches').waitFor();
  await page.getByRole('cell', { name: `started to undo run ${runId}` }).waitFor();
  await inspect(page, 'undo-run');
  expect(await bench.database.query('SELECT DISTINCT touches FROM items ORDER BY 1')).toEqual([
    { touches: 0 },
    { touches: 5 },
  ]);
  expect(await admin.backfills.status('touch')).toMatchObject({ reason: 'the wrong rows', startedBy: 'ada' });
  await page.close();
  await admin.close();
});
