import { NonRetryableError } from 'nestjs-backfill';
import type { BackfillStatus, RetryReceipt, RunReceipt } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { startAdminApp, type AdapterName, type AdminApp, type ErrorBody } from '../../support/admin/index.js';
import { openBrowser } from '../../support/browser/index.js';

const NAME = 'pinned';
const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0, batchSize: 1, attempts: 1 };
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };

const bench = await createAppBench();

/** The app with one version of the handler, which fails for the number 3 where it is broken. */
async function deploy(version: string, adapter: AdapterName = 'express', broken = false): Promise<AdminApp> {
  return startAdminApp(bench, {
    adapter,
    handlers: [
      defineBackfill({
        name: NAME,
        version,
        onOtherVersion: 'hold',
        source: numbers(5),
        config: HELD,
        processRow: ({ id }: { id: number }) => {
          if (broken && id === 3) throw new NonRetryableError('three is broken');
        },
      }),
    ],
  });
}

async function pausedRun(): Promise<void> {
  const old = await deploy('1');
  await old.backfills.start(NAME);
  await old.backfills.pause(NAME);
  await old.close();
}

async function failedRun(): Promise<void> {
  const old = await deploy('1', 'express', true);
  await old.backfills.start(NAME, { config: UNPACED });
  await ended(old, 'failed');
  await old.close();
}

async function ended({ backfills }: AdminApp, wanted: string): Promise<BackfillStatus> {
  return eventually(
    `the run to be ${wanted}`,
    () => backfills.status(NAME),
    ({ state }) => state === wanted,
  );
}

describe.each<AdapterName>(['express', 'fastify'])('the endpoints on %s', (adapter) => {
  it('have a paused run adopt a version, and say which', async () => {
    await pausedRun();
    const admin = await deploy('2', adapter);
    try {
      const { client } = admin;
      expect((await client.get<BackfillStatus>(`/${NAME}`)).body).toMatchObject({
        version: '1',
        adoptVersion: '2',
      });
      const refused = await client.send<ErrorBody>('POST', `/${NAME}/resume`);
      expect([refused.status, refused.body.code]).toEqual([409, 'BACKFILL_CONFLICT']);
      expect(refused.body.message).toMatch(/adoptVersion: '2'/);
      const invalid = await client.send<ErrorBody>('POST', `/${NAME}/resume`, { adoptVersion: 2 });
      expect([invalid.status, invalid.body.field]).toEqual([400, 'adoptVersion']);
      expect((await client.send('POST', `/${NAME}/pause`, { adoptVersion: '2' })).status).toBe(400);

      const { status, body } = await client.send<RunReceipt>('POST', `/${NAME}/resume`, {
        adoptVersion: '2',
        reason: 'deploy 12',
      });
      expect([status, body]).toMatchObject([200, { state: 'running', changed: true }]);
      await client.send('PATCH', `/${NAME}/config`, UNPACED);
      expect(await ended(admin, 'completed')).toMatchObject({ version: '2', adoptVersion: null });
    } finally {
      await admin.close();
    }
  });

  it('have a retry adopt a version', async () => {
    await failedRun();
    const admin = await deploy('2', adapter);
    try {
      const path = `/${NAME}/failures/retry`;
      expect((await admin.client.send('POST', path)).status).toBe(409);
      const { status, body } = await admin.client.send<RetryReceipt>('POST', path, { adoptVersion: '2' });
      expect([status, body.retried]).toEqual([200, 1]);
      expect(await ended(admin, 'completed')).toMatchObject({ version: '2' });
    } finally {
      await admin.close();
    }
  });
});

describe('the page', () => {
  it.each([
    [
      'resumes a held run with the version of the app',
      pausedRun,
      'Resume with version 2…',
      'Resume with version 2',
    ],
    [
      'retries failures with the version of the app',
      failedRun,
      'Retry 1 failure…',
      'Retry 1 failure with version 2',
    ],
  ])('%s', async (_, prepare, button, confirm) => {
    await prepare();
    const admin = await deploy('2');
    const browser = await openBrowser({ viewport: { width: 1200, height: 900 } });
    try {
      const page = await browser.newPage();
      await page.goto(`${admin.origin}/admin/backfills/ui#/${NAME}`);
      await page.getByRole('button', { name: button, exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: confirm, exact: true }).click();
      await eventually(
        'the run to go on with version 2',
        () => admin.backfills.status(NAME),
        ({ version }) => version === '2',
      );
      await admin.backfills.configure(NAME, UNPACED);
      await ended(admin, 'completed');
    } finally {
      await browser.close();
      await admin.close();
    }
  });
});
