import { arraySource, type ArrayRange } from '../../../sample/src/sources/array.source.js';
import { createAppBench, defineBackfill } from '../../support/apps/index.js';

interface Country {
  readonly code: string;
}

const COUNTRIES: readonly Country[] = Array.from({ length: 103 }, (_, i) => ({ code: `C${i}` }));
const CODES = COUNTRIES.map(({ code }) => code);
const FAST = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 1, concurrency: 1 };

const bench = await createAppBench();

function countries(handle: (country: Country) => void, rows = COUNTRIES) {
  return defineBackfill<ArrayRange, Country>({
    name: 'countries',
    source: arraySource(rows, ({ code }) => code),
    config: { ...FAST, batchSize: 10, attempts: 2 },
    processRow: handle,
  });
}

describe('a source over an array', () => {
  it('hands every row out once, in order', async () => {
    const seen: string[] = [];
    const handlers = [countries(({ code }) => void seen.push(code))];
    const app = await bench.start({ handlers });
    await app.backfills.start('countries');
    expect(await app.finished('countries')).toMatchObject({ state: 'completed', done: 11, rowsDone: 103 });
    expect(seen).toEqual(CODES);
  });

  it('hands array indexes to range handlers', async () => {
    const ranges: ArrayRange[] = [];
    const handler = defineBackfill<ArrayRange, Country>({
      name: 'positions',
      source: arraySource(COUNTRIES, ({ code }) => code),
      config: { ...FAST, batchSize: 50 },
      processRange: (range) => void ranges.push(range),
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('positions');
    expect(await app.finished('positions')).toMatchObject({ state: 'completed', rowsDone: 103 });
    expect(ranges).toEqual([
      { index: 0, begin: 0, end: 49 },
      { index: 1, begin: 50, end: 99 },
      { index: 2, begin: 100, end: 102 },
    ]);
  });

  it('processes a part of the rows, or none', async () => {
    const seen: string[] = [];
    const app = await bench.start({
      handlers: [countries(({ code }) => void seen.push(code))],
    });
    await app.backfills.start('countries', { from: 20, to: 34 });
    await app.finished('countries');
    expect(seen).toEqual(CODES.slice(20, 35));
    await expect(app.backfills.start('countries', { from: 'PT' })).rejects.toThrow(
      'expected from to be an array index, got "PT"',
    );
    await app.backfills.start('countries', { from: 103 });
    expect(await app.finished('countries')).toMatchObject({ state: 'completed', rowsDone: 0 });
  });

  it('stores a failed row by its key, and loads it again for the retry', async () => {
    const seen: string[] = [];
    let broken = true;
    const handler = countries(({ code }) => {
      if (broken && code === 'C42') {
        throw new Error('no tariff');
      }
      seen.push(code);
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('countries');
    expect(await app.finished('countries')).toMatchObject({ state: 'failed', rowsDone: 102, rowsFailed: 1 });
    const { items } = await app.backfills.failures('countries');
    expect(items).toMatchObject([{ kind: 'row', key: 'C42', attempts: 2, error: { message: 'no tariff' } }]);

    broken = false;
    await app.backfills.retryFailures('countries');
    expect(await app.finished('countries')).toMatchObject({
      state: 'completed',
      rowsDone: 103,
      rowsFailed: 0,
    });
    expect(seen.toSorted()).toEqual(CODES.toSorted());
  });

  it('splits a range down to the failing row', async () => {
    const handler = defineBackfill<ArrayRange, Country>({
      name: 'halves',
      source: arraySource(COUNTRIES, ({ code }) => code),
      config: { ...FAST, batchSize: 50, attempts: 1 },
      processRange: ({ begin, end }) => {
        if (begin <= 77 && 77 <= end) {
          throw new Error('range with 77');
        }
      },
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('halves');
    expect(await app.finished('halves')).toMatchObject({ state: 'failed', rowsDone: 102, rowsFailed: 1 });
    const { items } = await app.backfills.failures('halves');
    expect(items).toMatchObject([{ kind: 'row', key: { begin: 77, end: 77 } }]);
  });
});
