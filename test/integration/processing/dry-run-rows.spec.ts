import { Item, createAppBench, defineBackfill } from '../../support/apps/index.js';
import { keyset, type BackfillContext } from 'nestjs-backfill';

const bench = await createAppBench();
const config = {
  batchSize: 10,
  attempts: 1,
  rowConcurrency: 4,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
};
const touched = () => bench.database.query('SELECT id FROM items WHERE touches > 0');

function handled(processRow: (row: Item, context: BackfillContext) => Promise<void>) {
  const source = keyset(Item, { orderBy: { id: 'asc' } });
  return defineBackfill<never, Item>({ name: 'rehearsed', source, config, processRow });
}

/** SQL of the handler's own, which the server refuses for some rows. */
async function touchUnless(refused: boolean, { id }: Item, { em }: BackfillContext): Promise<void> {
  await em.nativeUpdate(Item, { id }, { touches: 1 });
  if (refused) {
    await em.nativeUpdate(Item, { id }, { state: null });
  }
}

describe('a row whose own SQL fails in a dry run', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(1, 40)'));

  it('is the only one that fails', async () => {
    const handler = handled((row, context) => touchUnless(row.id % 10 === 3, row, context));
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('rehearsed', { dryRun: true });
    expect(await finished('rehearsed')).toMatchObject({ state: 'failed', rowsDone: 36, rowsFailed: 4 });
    const { items } = await backfills.failures('rehearsed');
    expect(items.map(({ key }) => Number(key)).toSorted((a, b) => a - b)).toEqual([3, 13, 23, 33]);
    expect(items.every(({ error }) => error.message.includes('null value'))).toBe(true);
    expect(await touched()).toEqual([]);
  });

  it('is done where the handler catches the error, as in a run', async () => {
    const handler = handled(async (row, context) => {
      await touchUnless(row.id % 10 === 3, row, context).catch(() => undefined);
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('rehearsed', { dryRun: true });
    expect(await finished('rehearsed')).toMatchObject({ state: 'completed', rowsDone: 40, rowsFailed: 0 });
    expect(await touched()).toEqual([]);
  });

  it('does not keep the changes of the other rows from being flushed and rolled back', async () => {
    const handler = handled(async (row, { em }) => {
      row.touches = 1;
      if (row.id === 7) {
        await em.nativeUpdate(Item, { id: 7 }, { state: null });
      }
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('rehearsed', { dryRun: true });
    expect(await finished('rehearsed')).toMatchObject({ state: 'failed', rowsDone: 39, rowsFailed: 1 });
    expect(await touched()).toEqual([]);
  });
});
