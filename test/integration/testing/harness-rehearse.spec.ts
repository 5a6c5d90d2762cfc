import { MikroORM } from '@mikro-orm/postgresql';
import { Backfill, keyset } from 'nestjs-backfill';
import type { BackfillContext, BatchHandler, RowHandler } from 'nestjs-backfill';
import { BackfillHarness } from 'nestjs-backfill/testing';
import { z } from 'zod';
import { Item } from '../../support/apps/index.js';
import { createTestDatabase } from '../../support/databases/index.js';

const database = await createTestDatabase();
const schema = z.object({ state: z.string() });
type Params = z.infer<typeof schema>;

@Backfill({
  params: schema,
  source: keyset(Item, { orderBy: { id: 'asc' } }),
  rehearsal: { mask: ['touches'] },
})
class Rename implements BatchHandler<Item, Params> {
  processBatch(rows: Item[], { params, dryRun }: BackfillContext<Params>) {
    rows.forEach((row) => Object.assign(row, { state: `${params.state} ${String(dryRun)}`, touches: 4_711 }));
  }
}

@Backfill({
  source: keyset(Item, { orderBy: { id: 'asc' } }),
  config: { quota: { max: 1, perMs: 3_600_000 } },
})
class Picky implements RowHandler<Item> {
  async processRow(row: Item, context: BackfillContext) {
    await context.quota();
    if (row.id === 2) {
      throw new Error('not this one');
    }
    row.state = 'done';
  }
}

describe('a harness rehearses', () => {
  it('in memory: rows before and after, masked, and nothing is written', async () => {
    const harness = new BackfillHarness(new Rename(), { params: { state: 'x'.repeat(300) } });
    await harness.seed(Item, [
      { id: 1, state: 'old' },
      { id: 2, state: 'old' },
    ]);
    const result = await harness.rehearse({ maxLength: null });
    expect(result).toMatchObject({
      untouched: 0,
      errors: [],
      committed: null,
      partial: null,
      forecast: null,
    });
    const byKey = result.rows.toSorted((a, b) => Number(a.key) - Number(b.key));
    expect(byKey).toMatchObject([
      { key: 1, before: { state: 'old', touches: '***' }, after: { state: `${'x'.repeat(300)} true` } },
      { key: 2, changed: ['state', 'touches'] },
    ]);
    expect(JSON.stringify(result)).not.toContain('4711');
    expect((await harness.rehearse({ from: { id: 2 } })).rows).toHaveLength(1);
    await expect(harness.rehearse({ rows: 0 })).rejects.toThrow('rows to be a whole number');
    expect(await harness.rows(Item)).toMatchObject([{ state: 'old' }, { state: 'old' }]);
    await harness.close();
  });

  it('on a given database: errors of single rows, and calls without a wait for the quota', async () => {
    const orm = await MikroORM.init({ clientUrl: database.url, entities: [Item] });
    await orm.schema.create();
    const harness = new BackfillHarness(new Picky(), { em: orm.em });
    await harness.seed(
      Item,
      [1, 2, 3, 4, 5].map((id) => ({ id })),
    );
    const result = await harness.rehearse();
    expect(result.errors).toMatchObject([{ key: 2, error: { message: 'not this one' } }]);
    expect(result.rows).toHaveLength(4);
    expect(result.outside).toEqual([{ quota: 'picky', calls: 5 }]);
    expect(await harness.rows(Item, { state: 'done' })).toEqual([]);
    await orm.close(true);
  });
});
