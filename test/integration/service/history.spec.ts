import type { BackfillHistoryEntry, HistoryRequest } from 'nestjs-backfill';
import { createAppBench, createLedgerBench, defineBackfill, numbers } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';

const bench = await createAppBench();
const ledger = await createLedgerBench();
const CHANGES = 60;
// Nothing of it is done within the test, and it is not held, which the history would say.
const SLOW = { perSecondOnPeak: 0.001, perSecondOffPeak: 0.001 };
const held = () =>
  defineBackfill({ name: 'held', source: numbers(10), config: SLOW, processRange: () => {} });

/** Two runs with many changes of the config. */
async function fill({ backfills }: BackfillApp): Promise<string[]> {
  const runIds: string[] = [];
  for (const operator of ['ada', 'bob']) {
    runIds.push((await backfills.start('held', { startedBy: operator })).runId);
    await backfills.pause('held', { by: operator });
    for (let i = 1; i <= CHANGES; i++) {
      await backfills.configure('held', { batchSize: i }, { by: operator });
    }
    await backfills.resume('held', { by: operator });
    await backfills.cancel('held', { by: operator });
  }
  return runIds;
}

async function pages(
  { backfills }: BackfillApp,
  request: HistoryRequest & { readonly limit: number },
): Promise<BackfillHistoryEntry[]> {
  const entries: BackfillHistoryEntry[] = [];
  for (let before: string | undefined; ;) {
    const page = await backfills.history('held', { ...request, ...(before === undefined ? {} : { before }) });
    entries.push(...page);
    before = page.at(-1)?.id;
    if (page.length < request.limit) {
      return entries;
    }
  }
}

async function expectPages(app: BackfillApp, runIds: readonly string[]): Promise<void> {
  const all = await app.backfills.history('held', 1_000);
  expect(all).toHaveLength(2 * (CHANGES + 4));
  expect(await pages(app, { limit: 7 })).toEqual(all);
  expect(await pages(app, { limit: all.length })).toEqual(all);
  const actions = all.filter(({ type }) => type !== 'configured');
  const ofOneRun = ['cancelled', 'resumed', 'paused', 'started'];
  expect(actions.map(({ type }) => type)).toEqual([...ofOneRun, ...ofOneRun]);
  const types = ['started', 'paused', 'resumed', 'cancelled'] as const;
  expect(await pages(app, { limit: 3, types })).toEqual(actions);
  for (const runId of runIds) {
    const ofRun = all.filter((entry) => entry.runId === runId);
    expect(await pages(app, { limit: 3, runId })).toEqual(ofRun);
    expect(await pages(app, { limit: 3, runId, types: ['paused'] })).toEqual(
      ofRun.filter(({ type }) => type === 'paused'),
    );
  }
  expect(await app.backfills.history('held', { types: ['completed'] })).toEqual([]);
  expect(await app.backfills.history('held', { runId: 'unknown' })).toEqual([]);
  expect(await app.backfills.history('held', { before: '1-0' })).toEqual([]);
  expect(await app.backfills.history('held')).toEqual(all.slice(0, 50));
}

describe('the history', () => {
  it('is read without end, all of it or some types or one run', async () => {
    const app = await bench.start({ handlers: [held()], options: { workers: false } });
    await expectPages(app, await fill(app));
  });

  it('is the same with the ledger, and after Redis has lost its part', async () => {
    const app = await ledger.start({ handlers: [held()], options: { workers: false } });
    const runIds = await fill(app);
    await expectPages(app, runIds);
    await app.close();
    await ledger.loseRedis();
    const after = await ledger.start({ handlers: [held()], options: { workers: false } });
    await expectPages(after, runIds);
  });

  it('leaves no entry of the ledger out where several have the same time', async () => {
    const app = await ledger.start({ handlers: [held()], options: { workers: false } });
    await app.backfills.start('held');
    const [started] = await app.backfills.history('held');
    await ledger.database.query(
      `INSERT INTO backfill_changes (id, scope, backfill, kind, at, data)
       SELECT replace(id, $1, to_char(1600000000000 + n / 13, 'FM9999999999999') || '-' || n % 13), scope, backfill, 'configured',
         to_timestamp(1600000000 + n / 13 / 1000.0), '{}'
       FROM backfill_changes, generate_series(0, 38) n WHERE id LIKE '%' || $1`,
      [started?.id],
    );
    // Without what a busy machine may add meanwhile: that the run has no workers.
    const types: HistoryRequest['types'] = ['started', 'configured'];
    const all = await app.backfills.history('held', { types });
    expect(all).toHaveLength(40);
    const order = ({ id }: BackfillHistoryEntry) =>
      id
        .split('-')
        .map((part) => part.padStart(20, '0'))
        .join();
    expect(all.map(order)).toEqual(all.map(order).toSorted().toReversed());
    for (const limit of [1, 4, 5, 13]) {
      expect(await pages(app, { limit, types })).toEqual(all);
    }
  });

  it.each<[string, object]>([
    ['limit', { limit: 0 }],
    ['limit', { limit: 1_001 }],
    ['before', { before: 'x' }],
    ['types', { types: ['pauzed'] }],
  ])('refuses an invalid %s', async (field, request) => {
    const { backfills } = await bench.start({ handlers: [held()], options: { workers: false } });
    await expect(backfills.history('held', request as HistoryRequest)).rejects.toMatchObject({
      code: 'BACKFILL_REQUEST_INVALID',
      field,
    });
  });
});
