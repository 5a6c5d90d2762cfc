import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import { openSourceFixture, type SourceFixture } from '../source-fixture.js';
import { Item } from '../item.entity.js';

const ROWS = 40_000;
let fixture: SourceFixture;

beforeAll(async () => {
  fixture = await openSourceFixture();
  await fixture.database.query(
    `INSERT INTO "other schema".items
       (id, "the number", digits, code, uuid, amount, at, naive, day, flag, bytes, address_city, owner_id, hidden)
     SELECT g, g % 3, g, 'code', gen_random_uuid(), 1, timestamptz '2020-01-01' + g / 2 * interval '1 microsecond',
            now(), now(), g % 2 = 0, '', 'Ulm', 0, false
       FROM generate_series(1, ${ROWS}) g`,
  );
  await fixture.database.query('CREATE INDEX ON "other schema".items (at DESC, id DESC) WHERE NOT hidden');
  await fixture.database.query('CREATE INDEX ON "other schema".items (at, id DESC) WHERE NOT hidden');
  await fixture.database.query(
    'CREATE INDEX ON "other schema".items ("the number", id DESC) WHERE NOT hidden',
  );
  await fixture.database.query('VACUUM ANALYZE "other schema".items');
});
afterAll(async () => {
  await fixture.orm.close(true);
});

/** A context that records the statements of a source. */
function recordStatements() {
  const statements: string[] = [];
  const context = fixture.context();
  const em = context.em as unknown as { execute(sql: string): Promise<unknown> };
  const execute = em.execute.bind(em);
  em.execute = (sql) => {
    statements.push(sql);
    return execute(sql);
  };
  return { context, statements };
}

interface Node {
  'Node Type': string;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  Plans?: Node[];
}

async function nodesOf(statement: string): Promise<Node[]> {
  const [row] = await fixture.database.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`,
  );
  const flat = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(flat)];
  return row ? flat(row['QUERY PLAN'][0].Plan) : [];
}

const ORDERS = [
  ['one direction', { at: 'desc', id: 'desc' }],
  ['mixed directions', { at: 'asc', id: 'desc' }],
  ['mixed directions over few values', { number: 'asc', id: 'desc' }],
] as const;

describe.each(ORDERS)('the query plan of a cycle in %s', (name, orderBy) => {
  const source = keyset(Item, { orderBy });

  it('is an ordered index-only scan that ends with the last batch', async () => {
    const { partitions } = await source.open(fixture.context(), {});
    const bounds = partitions[0]?.bounds ?? null;
    const { cursor } = await source.plan(fixture.context(), {
      partition: '',
      bounds,
      cursor: null,
      batchSize: 5000,
      limit: 6,
    });
    const { context, statements } = recordStatements();

    const plan = await source.plan(context, { partition: '', bounds, cursor, batchSize: 100, limit: 20 });

    expect(plan.ranges.map(({ rows }) => rows)).toEqual(Array(20).fill(100));
    expect(statements.length).toBeLessThanOrEqual(name === 'one direction' ? 1 : 3);
    let read = 0;
    for (const statement of statements) {
      const nodes = await nodesOf(statement);
      const types = nodes.map((node) => node['Node Type']);
      expect(types).toContain('Index Only Scan');
      expect(types.filter((type) => /Sort|Seq Scan|Bitmap|^Index Scan/.test(type))).toEqual([]);
      for (const node of nodes.filter((it) => it['Node Type'] === 'Index Only Scan')) {
        read += node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0);
      }
    }
    expect(read).toBe(2000);
  });

  it('uses the index; a missing index is a warning', async () => {
    const opening = await source.open(fixture.context(), {});
    expect(await source.inspect?.(fixture.context(), opening, 100)).toEqual({
      warnings: [],
      totalRanges: ROWS / 100,
    });
    const slow = keyset(Item, { orderBy: { code: 'asc' } });
    const { warnings } = (await slow.inspect?.(fixture.context(), opening, 100)) ?? { warnings: [] };
    expect(warnings).toEqual([
      { code: 'NO_INDEX', message: expect.stringContaining('No index provides the order code asc, id asc') },
    ]);
  });
});

describe.each(['asc', 'desc'] as const)('the plan of one integer key, %s', (direction) => {
  const source = keyset(Item, { orderBy: { id: direction } });
  const planOf = async (batchSize: number, limit: number) => {
    const { partitions } = await source.open(fixture.context(), {});
    const { context, statements } = recordStatements();
    const bounds = partitions[0]?.bounds ?? null;
    const plan = await source.plan(context, { partition: '', bounds, cursor: null, batchSize, limit });
    return { plan, statements };
  };

  it('takes one statement, in which only the scan is ordered, to the last batch, which is incomplete', async () => {
    const { plan, statements } = await planOf(15_000, 4);

    expect(plan.ranges.map(({ rows }) => rows)).toEqual([15_000, 15_000, 10_000]);
    expect(plan.exhausted).toBe(true);
    const keys = direction === 'asc' ? [1, 15_000] : [ROWS, ROWS - 14_999];
    expect(plan.ranges[0]?.data).toEqual(keys.map((key) => [{ i: String(key) }]));
    expect(plan.cursor).toEqual([{ i: String(direction === 'asc' ? ROWS : 1) }]);
    expect(statements).toEqual([expect.stringContaining('array_agg')]);
    const types = (await nodesOf(statements[0] ?? '')).map((node) => node['Node Type']);
    expect(types.filter((type) => type === 'WindowAgg')).toEqual([]);
  });

  it('is the same for ranges of one row, and beyond the keys that an array holds', async () => {
    const single = await planOf(1, 3);
    expect(single.plan.ranges.map(({ rows }) => rows)).toEqual([1, 1, 1]);
    expect(single.statements.filter((sql) => sql.includes('array_agg'))).toEqual([]);
    const many = await planOf(15_000, 7);
    expect(many.statements.filter((sql) => sql.includes('array_agg'))).toEqual([]);
    expect(many.plan).toEqual((await planOf(15_000, 4)).plan);
  });
});

describe('the number of rows', () => {
  it('is counted if the estimate is small, otherwise estimated from statistics', async () => {
    const source = keyset(Item, { orderBy: { id: 'asc' }, where: { flag: true } });
    expect((await source.open(fixture.context(), {})).total).toEqual({ rows: ROWS / 2, exact: true });

    await fixture.database.query(`UPDATE pg_class SET reltuples = 8e6 WHERE relname = 'items'`);
    const { context, statements } = recordStatements();
    const { total } = await source.open(context, {});
    expect(total.exact).toBe(false);
    expect(statements.filter((sql) => sql.includes('count(*)'))).toEqual([]);
    await fixture.database.query('VACUUM ANALYZE "other schema".items');
  });
});
