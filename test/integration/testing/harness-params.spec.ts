import { Backfill, BackfillParamsError, keyset } from 'nestjs-backfill';
import type { BackfillContext, BatchHandler } from 'nestjs-backfill';
import { BackfillHarness } from 'nestjs-backfill/testing';
import { z } from 'zod';
import { Item } from '../../support/apps/index.js';

const schema = z.object({ state: z.string() });

@Backfill({
  params: schema,
  source: ({ params }) => keyset(Item, { orderBy: { id: 'asc' }, where: { state: params.state } }),
})
class ByState implements BatchHandler<Item, z.infer<typeof schema>> {
  processBatch(rows: Item[], { params }: BackfillContext<z.infer<typeof schema>>) {
    rows.forEach((row) => (row.state = `was ${params.state}`));
  }
}

it('a harness runs a handler with parameters', async () => {
  const harness = new BackfillHarness(new ByState(), { params: { state: 'new' } });
  await harness.seed(Item, [
    { id: 1, state: 'new' },
    { id: 2, state: 'old' },
  ]);
  expect(await harness.runAll()).toMatchObject({ rowsDone: 1, failures: [] });
  expect(await harness.rows(Item)).toMatchObject([{ state: 'was new' }, { state: 'old' }]);
  await harness.close();
});

it('a harness refuses parameters that the schema does not accept', async () => {
  const harness = new BackfillHarness(new ByState(), { params: { state: 1 } });
  await expect(harness.runAll()).rejects.toThrow(BackfillParamsError);
  await harness.close();
});
