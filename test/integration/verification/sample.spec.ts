import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { Backfill, idRange, keyset } from 'nestjs-backfill';
import type {
  BackfillSource,
  BackfillVerifyOptions,
  BatchHandler,
  IdRange,
  RowVerifier,
  VerifyContext,
} from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'sampled-items';
const CONFIG = { batchSize: 10, attempts: 1, backoffMs: 1, perSecondOnPeak: null, perSecondOffPeak: null };
const SOURCES: Record<string, BackfillSource<never, Item>> = {
  keyset: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }) as never,
  idRange: idRange(Item, { where: { state: 'new' } }) as never,
  'keyset without where': keyset(Item, { orderBy: { id: 'desc' } }) as never,
  partitions: keyset(Item, {
    orderBy: { id: 'asc' },
    where: { state: 'new' },
    partitions: { low: { id: { $lte: 50 } }, high: { id: { $gt: 50 } } },
  }) as never,
};
const verifyState = ({ id, state }: Item) => state === 'done' || `item ${id} is ${state}`;

type ItemRange = Partial<Pick<IdRange<Item, number>, 'begin' | 'end'>> & {
  readonly first?: { readonly id: number };
  readonly last?: { readonly id: number };
};

interface SampledOptions {
  readonly source?: string;
  readonly shape?: 'batch' | 'row' | 'range';
  readonly verify?: BackfillVerifyOptions<never>;
  /** What a row becomes. */
  readonly becomes?: (id: number) => string;
}

async function appOf({
  source = 'keyset',
  shape = 'batch',
  verify = {},
  becomes = () => 'done',
}: SampledOptions): Promise<BackfillApp> {
  const change = (row: Item) => {
    row.state = becomes(row.id);
    row.touches++;
  };
  const shapes = {
    batch: { processBatch: (rows: Item[]) => rows.forEach(change) },
    row: { processRow: change },
    range: {
      // Without the `where` of the source: a range of which a row is wrong is given to the handler again.
      processRange: async (range: ItemRange, { em }: { em: VerifyContext['em'] }) => {
        const [one, other] = [range.begin ?? range.first?.id ?? 0, range.end ?? range.last?.id ?? 0];
        const rows = await em.find(Item, {
          id: { $gte: Math.min(one, other), $lte: Math.max(one, other) },
        });
        rows.forEach(change);
        await em.flush();
        return rows.length;
      },
    },
  };
  const handler = defineBackfill<never, Item>({
    name: NAME,
    source: SOURCES[source] ?? numbers(0),
    config: CONFIG,
    verify: { row: verifyState, ...verify },
    ...(shapes[shape] as object),
  });
  return bench.start({ handlers: [handler] });
}

const countOf = async (state: string) => {
  const [row] = await bench.database.query('SELECT count(*)::int AS n FROM items WHERE state = $1', [state]);
  return Number(row?.['n']);
};

beforeEach(() => bench.fillItems('SELECT generate_series(1, 100)'));

describe('the sample of a verification', () => {
  it.each([
    ['batch', 'keyset'],
    ['row', 'keyset'],
    ['range', 'keyset without where'],
    ['batch', 'idRange'],
    ['range', 'idRange'],
    ['row', 'keyset without where'],
    ['batch', 'partitions'],
  ] as const)('finds wrong rows, which a retry mends: %s handler, %s', async (shape, source) => {
    const wrong = new Set([1, 2, 55, 100]);
    const becomes = (id: number) => (wrong.has(id) ? 'wrong' : 'done');
    const { backfills, finished } = await appOf({ shape, source, becomes });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({
      state: 'failed',
      verified: { sampled: 100, mismatched: 4, confidence: { level: 0.95 } },
    });
    const { items } = await backfills.failures(NAME);
    expect(items.map(({ key, error }) => [key, error.message])).toContainEqual([
      expect.anything(),
      'item 55 is wrong',
    ]);

    // They no longer match the source, and are given to the handler all the same.
    wrong.clear();
    await backfills.retryFailures(NAME);
    const status = await finished(NAME);
    expect(status).toMatchObject({
      state: 'completed',
      percent: 100,
      rowsFailed: 0,
      outstanding: 0,
      verified: { sampled: 100, mismatched: 0, confidence: { low: 0, high: 0.03 } },
    });
    expect(await countOf('done')).toBe(100);
  });

  it('counts a row that is wrong as failed and not as done', async () => {
    const { backfills, finished } = await appOf({ becomes: (id) => (id === 7 ? 'wrong' : 'done') });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ rowsDone: 99, rowsFailed: 1, rowsMissing: 0 });
    // A retry that mends nothing finds the same row.
    await backfills.retryFailures(NAME);
    expect(await finished(NAME)).toMatchObject({
      state: 'failed',
      rowsDone: 99,
      rowsFailed: 1,
      verified: { sampled: 100, mismatched: 1 },
    });
  });

  it('has at most as many rows as it is to have, and leaves out those that are gone', async () => {
    const { backfills, finished } = await appOf({ verify: { sample: 20 } });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, sampled: 20 } });
    await bench.fillItems('SELECT generate_series(1, 100)');
    const deleting = { row: () => true };
    const second = await appOf({ verify: deleting });
    await second.backfills.configure(NAME, { perSecondOnPeak: 4, perSecondOffPeak: 4 });
    await second.backfills.start(NAME);
    await eventually(
      'some rows',
      () => second.backfills.status(NAME),
      ({ rowsDone }) => rowsDone >= 10,
    );
    await bench.database.query("DELETE FROM items WHERE state = 'done'");
    await second.backfills.configure(NAME, { perSecondOnPeak: null, perSecondOffPeak: null });
    const { verified } = await second.finished(NAME);
    expect(verified?.sampled).toBe(await countOf('done'));
  });

  it('has rows of sweeps, too', async () => {
    let inserted = false;
    const seen: number[] = [];
    const { backfills, finished } = await appOf({
      becomes: (id) => {
        if (id === 90 && !inserted) {
          inserted = true;
          void bench.database.query('INSERT INTO items (id) VALUES (-5)');
        }
        return 'done';
      },
      verify: {
        row: ({ id }: Item) => {
          seen.push(id);
          return true;
        },
      },
    });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { swept: 1, sampled: 101 } });
    expect(seen.toSorted((a, b) => a - b)).toEqual([-5, ...Array.from({ length: 100 }, (_, i) => i + 1)]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['false', () => false, /answered with false/],
    ['nothing', () => undefined, /answered with undefined/],
    [
      'an error',
      () => {
        throw new RangeError('cannot tell');
      },
      /^cannot tell$/,
    ],
  ])('takes %s as a mismatch', async (_, row, message) => {
    const { backfills, finished } = await appOf({ verify: { sample: 1, row: row as never } });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'failed', verified: { sampled: 1, mismatched: 1 } });
    const { items } = await backfills.failures(NAME);
    expect(items[0]?.error.message).toMatch(message);
  });

  it('is verified by the method verifyRow of the handler, which changes nothing', async () => {
    @Backfill({ name: NAME, source: SOURCES['keyset'] ?? numbers(0), config: CONFIG, verify: true })
    class SampledItems implements BatchHandler<Item>, RowVerifier<Item> {
      processBatch(rows: Item[]) {
        rows.forEach((row) => (row.state = 'done'));
      }

      verifyRow(row: Item) {
        row.state = 'changed by the check';
        return true;
      }
    }
    const { backfills, finished } = await bench.start({ handlers: [SampledItems] });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { sampled: 100 } });
    expect(await countOf('done')).toBe(100);
  });

  it('can be paused and resumed, and goes on where it was', async () => {
    const seen: number[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { backfills, finished } = await appOf({
      verify: {
        row: async ({ id }: Item) => {
          seen.push(id);
          if (seen.length === 60) await gate;
          return true;
        },
      },
    });
    await backfills.start(NAME);
    await eventually(
      'rows of the sample',
      () => seen.length,
      (count) => count === 60,
    );
    expect(await backfills.status(NAME)).toMatchObject({ state: 'verifying', verified: { sampled: 50 } });
    await backfills.pause(NAME);
    open();
    await eventually(
      'the page',
      () => seen.length,
      (count) => count === 100,
    );
    expect(await backfills.status(NAME)).toMatchObject({ state: 'paused', verified: { sampled: 50 } });
    await backfills.resume(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { sampled: 100 } });
    // The page whose result came after the pause is read again.
    expect(seen).toHaveLength(150);
  });

  it('is refused where nothing says how a row is verified, or the source cannot load rows by keys', async () => {
    const plain = defineBackfill<never, Item>({
      name: NAME,
      source: SOURCES['keyset'] ?? numbers(0),
      config: CONFIG,
      processBatch: () => {},
    });
    const { backfills } = await bench.start({ handlers: [plain] });
    await expect(backfills.start(NAME, { verify: { sample: 10 } })).rejects.toMatchObject({
      code: 'BACKFILL_REQUEST_INVALID',
      field: 'verify.sample',
    });
    const keyless = defineBackfill({
      name: NAME,
      source: { ...numbers(10), loadKeys: undefined },
      config: CONFIG,
      verify: { row: () => true },
      processRange: () => {},
    });
    await expect(bench.start({ handlers: [keyless] })).rejects.toThrow(/loadKeys/);
  });

  it('is refused for a range handler whose rows cannot be told apart by their primary key', async () => {
    @Entity({ tableName: 'moments' })
    class Moment {
      @PrimaryKey({ type: 'datetime', columnType: 'timestamptz(6)', autoincrement: false })
      id!: Date;
    }
    const source = keyset(Moment, { orderBy: { id: 'asc' } });
    const handlerOf = (verify: object) =>
      defineBackfill({
        name: NAME,
        source,
        config: CONFIG,
        processRange: () => {},
        ...verify,
      });
    const verified = handlerOf({ verify: { row: () => true } });
    await expect(bench.start({ handlers: [verified], entities: [Moment] })).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_INVALID',
      problem: { field: 'id' },
    });
    await bench.start({ handlers: [handlerOf({})], entities: [Moment] });
  });

  it('fails the run where none of its rows can be loaded again', async () => {
    const handler = defineBackfill({
      name: NAME,
      source: { ...numbers(30), loadKeys: async () => [] },
      config: CONFIG,
      verify: { row: () => true },
      processBatch: () => {},
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({
      state: 'failed',
      stateReason: expect.stringContaining('none of the 30 rows of the sample could be loaded again'),
    });
  });
});
