import { EntitySchema } from '@mikro-orm/core';
import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import type { JsonValue } from '../../../../lib/sources/backfill-source.js';
import { openTables, type TableFixture } from '../open-tables.js';
import { loadAll, planAll } from '../plan-source.js';

class Page {
  id!: number;
  slug!: string;
  live!: boolean;
}

const pageSchema = new EntitySchema<Page>({
  class: Page,
  tableName: 'pages',
  uniques: [
    {
      name: 'live_slug',
      properties: ['slug'],
      expression: 'create unique index live_slug on pages (slug) where live',
    },
  ],
  properties: {
    id: { type: 'integer', primary: true },
    slug: { type: 'text' },
    live: { type: 'boolean' },
  },
});

const COUNT = 30;
let fixture: TableFixture;

beforeAll(async () => {
  fixture = await openTables(
    'CREATE TABLE pages (id int PRIMARY KEY, slug text NOT NULL, live boolean NOT NULL)',
    [pageSchema],
  );
  await fixture.database.query('CREATE UNIQUE INDEX live_slug ON pages (slug) WHERE live');
  await fixture.database.query(
    `INSERT INTO pages SELECT n, 'page ' || n / 4, n % 4 = 0 FROM generate_series(1, ${COUNT}) n`,
  );
});
afterAll(async () => {
  await fixture.orm.close(true);
});

describe('a unique index of some rows only, declared by its expression', () => {
  it.each(['asc', 'desc'] as const)('identifies no rows: each is handed out once, %s', async (direction) => {
    const source = keyset(Page, { orderBy: { slug: direction } });
    const planned = await planAll(fixture, source, { batchSize: 3 });
    const ids = (await loadAll(fixture, source, planned)).map((rows) => rows.map(({ id }) => id));
    expect(ids.map((batch) => batch.length)).toEqual(Array<number>(10).fill(3));
    expect(new Set(ids.flat()).size).toBe(COUNT);
  });

  it('is still the order of a run that was started with it', async () => {
    const source = keyset(Page, { orderBy: { slug: 'asc' } });
    const bounds: JsonValue = [['page 0'], ['page 7'], COUNT, 'slug asc'];
    expect(source.walkOfBounds?.([{ name: '', bounds }])).toEqual({ order: null, partitions: 'none' });
    const plan = await source.plan(fixture.context(), {
      partition: '',
      bounds,
      cursor: ['page 2'],
      batchSize: 10,
      limit: 5,
    });
    expect(plan.cursor).toEqual(['page 7']);
    const loaded = new Set<number>();
    for (const { data } of plan.ranges) {
      for (const { id } of (await source.load?.(fixture.context(), data, '')) ?? []) loaded.add(id);
    }
    expect(loaded.size).toBe(COUNT - 11);
    const [first] = plan.ranges;
    expect(await source.split?.(fixture.context(), first?.data ?? null, '')).toHaveLength(2);
  });
});
