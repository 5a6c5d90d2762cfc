import { array } from 'nestjs-backfill';
import type { ArrayRange, BackfillSource } from 'nestjs-backfill';
import { arraySource } from '../../../../sample/src/sources/array.source.js';
import { createAppBench, defineBackfill, eventually } from '../../../support/apps/index.js';

interface Country {
  readonly code: string;
  readonly rate: number;
}

const FAST = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 1, concurrency: 1 };
const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
const countries = (count = 103): Country[] =>
  Array.from({ length: count }, (_, i) => ({ code: `C${i}`, rate: i }));
const CODES = countries().map(({ code }) => code);
const byCode = { keyOf: ({ code }: Country) => code };
const inOrder = (codes: readonly string[]) =>
  codes.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1)));

const bench = await createAppBench();

/** Starts an app that collects what it is given, and fails for what is in `broken`. */
async function collecting<Item>(source: BackfillSource<ArrayRange, Item>, nameOf: (item: Item) => string) {
  const seen: string[] = [];
  const broken = new Set<string>();
  const handler = defineBackfill<ArrayRange, Item>({
    name: 'countries',
    source,
    config: { ...FAST, batchSize: 10, attempts: 2 },
    processRow: (item) => {
      const name = nameOf(item);
      if (broken.has(name)) {
        throw new Error('no tariff');
      }
      seen.push(name);
    },
  });
  return { seen, broken, app: await bench.start({ handlers: [handler] }) };
}

const code = ({ code: it }: Country) => it;

describe.each([
  [
    'objects',
    () =>
      collecting(
        array(() => countries()),
        code,
      ),
    (_: string, i: number) => ({ index: i, hash: expect.any(String) as string }),
  ],
  [
    'objects with keys',
    () =>
      collecting(
        array(async () => countries(), byCode),
        code,
      ),
    (it: string) => it,
  ],
  [
    'texts',
    () =>
      collecting(
        array(() => CODES),
        (it) => it,
      ),
    (it: string) => it,
  ],
])('array of %s', (_, start, keyOf) => {
  it('hands every item out once, in order', async () => {
    const { app, seen } = await start();
    await app.backfills.start('countries');
    expect(await app.finished('countries')).toMatchObject({
      state: 'completed',
      done: 11,
      rowsDone: 103,
      rowsTotal: 103,
      rowsTotalKind: 'exact',
    });
    expect(seen).toEqual(CODES);
  });

  it('goes on in another process', async () => {
    const first = await start();
    await first.app.backfills.start('countries', {
      config: { perSecondOnPeak: 5, perSecondOffPeak: 5, duration: 1 },
    });
    await eventually(
      'some rows to be done',
      () => first.app.backfills.status('countries'),
      ({ rowsDone }) => rowsDone >= 10,
    );
    await first.app.close();
    const second = await start();
    await second.app.backfills.configure('countries', FAST);
    expect(await second.app.finished('countries')).toMatchObject({ state: 'completed', rowsDone: 103 });
    expect(second.seen.length).toBeGreaterThan(0);
    expect(inOrder([...first.seen, ...second.seen])).toEqual(CODES);
  });

  it('stores a failed item by its key, and loads it again for the retry in another process', async () => {
    const { app, broken } = await start();
    broken.add('C42');
    await app.backfills.start('countries');
    expect(await app.finished('countries')).toMatchObject({ state: 'failed', rowsDone: 102, rowsFailed: 1 });
    const { items } = await app.backfills.failures('countries');
    expect(items).toMatchObject([{ kind: 'row', key: keyOf('C42', 42), attempts: 2 }]);
    await app.close();
    const again = await start();
    await again.app.backfills.retryFailures('countries');
    expect(await again.app.finished('countries')).toMatchObject({
      state: 'completed',
      rowsDone: 103,
      rowsFailed: 0,
    });
    expect(again.seen).toEqual(['C42']);
  });

  it('begins at the index from and ends at to', async () => {
    const { app, seen } = await start();
    await app.backfills.start('countries', { from: 20, to: '34' });
    await app.finished('countries');
    expect(seen).toEqual(CODES.slice(20, 35));
    for (const bounds of [{ from: 'PT' }, { to: -1 }, { from: 3, to: 2 }]) {
      await expect(app.backfills.start('countries', bounds)).rejects.toMatchObject({
        code: 'BACKFILL_SOURCE_BOUNDS',
      });
    }
    await app.backfills.start('countries', { from: 103 });
    expect(await app.finished('countries')).toMatchObject({ state: 'completed', rowsDone: 0 });
  });
});

describe('array', () => {
  /** A run that is held while its array is changed, which a new process has. */
  async function changing(
    change: (items: Country[]) => Country[],
    options: Parameters<typeof array<Country>>[1] = {},
  ) {
    const first = await collecting(
      array(() => countries(), options),
      code,
    );
    await first.app.backfills.start('countries', { config: HELD });
    const second = await collecting(
      array(() => change(countries()), options),
      code,
    );
    await first.app.close();
    await second.app.backfills.configure('countries', FAST);
    return second;
  }

  it.each([
    ['shorter', (items: Country[]) => items.slice(1)],
    ['in another order', (items: Country[]) => items.toReversed()],
    ['of other content', (items: Country[]) => items.map((it, i) => (i === 42 ? { ...it, rate: -1 } : it))],
    ['with an item inserted', (items: Country[]) => [{ code: 'C', rate: 0 }, ...items]],
  ])('pauses the run in a process whose array is %s', async (_, change) => {
    const { app, seen } = await changing(change);
    await eventually(
      'the run to be paused',
      () => app.backfills.status('countries'),
      ({ state }) => state === 'paused',
    );
    expect((await app.backfills.status('countries')).lastError?.message).toContain(
      'expected the items that the run was started with, in their order, got others',
    );
    expect(seen).toEqual([]);
    expect((await app.backfills.failures('countries')).items).toEqual([]);
  });

  it('goes on where items were appended, without them', async () => {
    const { app, seen } = await changing((items) => [...items, { code: 'C103', rate: 0 }]);
    expect(await app.finished('countries')).toMatchObject({ state: 'completed', rowsDone: 103 });
    expect(inOrder(seen)).toEqual(CODES);
  });

  it('compares only the keys where it has keyOf', async () => {
    const { app, seen } = await changing((items) => items.map((it) => ({ ...it, rate: -1 })), byCode);
    expect(await app.finished('countries')).toMatchObject({ state: 'completed', rowsDone: 103 });
    expect(inOrder(seen)).toEqual(CODES);
  });

  it('does not retry another item in the place of the one that failed', async () => {
    const first = await collecting(
      array(() => countries()),
      code,
    );
    first.broken.add('C42');
    await first.app.backfills.start('countries');
    await first.app.finished('countries');
    await first.app.close();
    const second = await collecting(
      array(() => countries().slice(1)),
      code,
    );
    await second.app.backfills.retryFailures('countries');
    await eventually(
      'the run to be paused',
      () => second.app.backfills.status('countries'),
      ({ state }) => state === 'paused',
    );
    expect(second.seen).toEqual([]);
  });

  it('retries a failure only where its item is there', async () => {
    const first = await collecting(
      array(() => countries(), byCode),
      code,
    );
    first.broken.add('C42');
    await first.app.backfills.start('countries');
    await first.app.finished('countries');
    await first.app.close();
    const second = await collecting(
      array(() => countries().filter((it) => it.code !== 'C42'), byCode),
      code,
    );
    await second.app.backfills.retryFailures('countries');
    const { lastError, rowsDone } = await eventually(
      'the run to be paused',
      () => second.app.backfills.status('countries'),
      ({ state }) => state === 'paused',
    );
    expect(lastError?.message).toContain('in their order, got others');
    expect(rowsDone).toBe(102);
    await second.app.close();
    const third = await collecting(
      array(() => countries(), byCode),
      code,
    );
    await third.app.backfills.resume('countries');
    expect(await third.app.finished('countries')).toMatchObject({ state: 'completed', rowsDone: 103 });
    expect(third.seen).toEqual(['C42']);
  });

  it('keeps the key that an item was read with, whatever a handler does to it', async () => {
    const changing = (seen: string[], broken?: string) =>
      defineBackfill<ArrayRange, { code: string }>({
        name: 'countries',
        source: array(() => CODES.map((it) => ({ code: it })), { keyOf: (it) => it.code }),
        config: { ...FAST, batchSize: 10, attempts: 1 },
        processBatch: (batch) => {
          const codes = batch.map((it) => it.code);
          batch.forEach((it) => (it.code = `changed ${it.code}`));
          if (broken !== undefined && codes.some((it) => it.endsWith(broken))) {
            throw new Error('no tariff');
          }
          seen.push(...codes);
        },
      });
    const first = await bench.start({ handlers: [changing([], 'C42')] });
    await first.backfills.start('countries');
    expect(await first.finished('countries')).toMatchObject({
      state: 'failed',
      rowsDone: 102,
      rowsFailed: 1,
    });
    expect((await first.backfills.failures('countries')).items).toMatchObject([{ key: 'C42' }]);
    await first.close();
    const seen: string[] = [];
    const second = await bench.start({ handlers: [changing(seen)] });
    await second.backfills.retryFailures('countries');
    expect(await second.finished('countries')).toMatchObject({ state: 'completed', rowsDone: 103 });
    expect(seen).toEqual(['C42']);
  });

  it('calls its function again for the next run, whose items may have the same keys', async () => {
    const rates: number[] = [];
    let rate = 1;
    const handler = defineBackfill<ArrayRange, Country>({
      name: 'countries',
      source: array(() => ['AT', 'PT', 'SE'].map((it) => ({ code: it, rate })), byCode),
      config: FAST,
      processRow: (country) => void rates.push(country.rate),
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('countries');
    await app.finished('countries');
    rate = 2;
    await app.backfills.start('countries');
    await app.finished('countries');
    expect(rates).toEqual([1, 1, 1, 2, 2, 2]);
  });

  it('pauses a run that is planned in a process whose function returns no array', async () => {
    const first = await collecting(
      array(() => countries()),
      code,
    );
    await first.app.backfills.start('countries', {
      config: { perSecondOnPeak: 0.05, perSecondOffPeak: 0.05, duration: 2_000 },
    });
    await eventually(
      'all ranges to be planned',
      () => first.app.backfills.status('countries'),
      ({ planned }) => planned === 11,
    );
    await first.app.close();
    const second = await collecting(
      array(() => undefined as unknown as Country[]),
      code,
    );
    await second.app.backfills.configure('countries', FAST);
    const { lastError } = await eventually(
      'the run to be paused',
      () => second.app.backfills.status('countries'),
      ({ state }) => state === 'paused',
    );
    expect(lastError?.message).toContain('expected an array, got undefined');
    expect((await second.app.backfills.failures('countries')).items).toEqual([]);
  });

  it('takes no work of a run of a custom source of arrays', async () => {
    const first = await collecting(arraySource(countries(), code), code);
    await first.app.backfills.start('countries', { config: HELD });
    await first.app.backfills.pause('countries');
    await first.app.close();
    const second = await collecting(
      array(() => countries()),
      code,
    );
    await expect(second.app.backfills.resume('countries')).rejects.toThrow(
      'kind was array and is array-items',
    );
  });

  it('calls its function once for a run in a process, however many ranges it has', async () => {
    let calls = 0;
    const items = () => {
      calls++;
      return countries();
    };
    const { app } = await collecting(array(items), code);
    await app.backfills.start('countries');
    await app.finished('countries');
    expect(calls).toBe(2);
  });

  it.each([
    [
      'two items of a key',
      () =>
        array(
          () => [
            { code: 'C1', rate: 1 },
            { code: 'C1', rate: 2 },
          ],
          byCode,
        ),
      'got the key "C1" twice',
    ],
    [
      'a text twice',
      () => array(() => ['a', 'b', 'a']),
      '(items 0 and 2): expected items of different keys, got the key "a" twice',
    ],
    ['an object twice', () => array(() => [TWICE, TWICE]), 'got the same object twice'],
    [
      'no key',
      () => array(() => [{}], { keyOf: () => undefined as unknown as string }),
      'expected a text or number from keyOf, got undefined',
    ],
    ['a value without a key', () => array(() => [1n]), 'expected an object, a text or a number, got 1n'],
    [
      'an object that contains itself',
      () => array(() => [circular()]),
      'expected an object that JSON can represent',
    ],
    ['no array', () => array(() => 'abc' as unknown as string[]), 'expected an array, got "abc"'],
    [
      'no function',
      () => array(['abc'] as unknown as () => string[]),
      'expected a function that returns an array, got an array',
    ],
  ])('refuses to start with %s', async (_, source, message) => {
    const { app } = await collecting<unknown>(source(), String);
    await expect(app.backfills.start('countries')).rejects.toThrow(message);
  });

  it('hands indexes to range handlers, and splits a range down to the item that fails', async () => {
    const ranges: ArrayRange[] = [];
    const handler = defineBackfill<ArrayRange, Country>({
      name: 'halves',
      source: array(() => countries()),
      config: { ...FAST, batchSize: 50, attempts: 1 },
      processRange: (range) => {
        ranges.push(range);
        if (range.begin <= 77 && 77 <= range.end) {
          throw new Error('range with 77');
        }
      },
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('halves');
    expect(await app.finished('halves')).toMatchObject({ state: 'failed', rowsDone: 102, rowsFailed: 1 });
    expect(ranges[0]).toEqual({ index: 0, begin: 0, end: 49 });
    const { items } = await app.backfills.failures('halves');
    expect(items).toMatchObject([{ kind: 'row', key: { begin: 77, end: 77 } }]);
  });

  it('has a preview, and a dry run', async () => {
    const { app, seen } = await collecting(
      array(() => countries()),
      code,
    );
    const { ranges, total } = await app.backfills.preview('countries');
    expect({ total, first: ranges[0] }).toMatchObject({ total: 11, first: { index: 0, begin: 0, end: 9 } });
    await app.backfills.start('countries', { dryRun: true });
    expect(await app.finished('countries')).toMatchObject({ state: 'completed', rowsDone: 103 });
    expect(seen).toEqual(CODES);
  });
});

const TWICE = { code: 'C1' };

function circular(): object {
  const item: { self?: object } = {};
  item.self = item;
  return item;
}
