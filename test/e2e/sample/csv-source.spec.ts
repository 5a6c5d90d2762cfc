import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { csvSource, type CsvRange, type CsvRow } from '../../../sample/src/sources/csv.source.js';
import { createAppBench, defineBackfill } from '../../support/apps/index.js';

const FAST = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 1, concurrency: 1 };

const bench = await createAppBench();
const folder = await mkdtemp(join(tmpdir(), 'csv-source-'));
const path = join(folder, 'prices.csv');
afterAll(() => rm(folder, { recursive: true }));

/** Names of different lengths, with characters that CSV has to quote. */
const nameOf = (n: number) => `Prägung "${n}", ${'x'.repeat(n % 40)}${n % 3 === 0 ? '\nsecond line' : ''}`;
const record = (n: number) => `${n},"${nameOf(n).replaceAll('"', '""')}",${n % 7 === 0 ? '' : n / 4}\r\n`;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const fill = (count: number) => writeFile(path, `id,name,price\r\n${numbers(count).map(record).join('')}`);

function prices(handle: (row: CsvRow) => void, batchSize = 10) {
  return defineBackfill<CsvRange, CsvRow>({
    name: 'prices',
    source: csvSource(path),
    config: { ...FAST, batchSize, attempts: 2 },
    processRow: handle,
  });
}

/** Starts an app with a backfill that collects the ids of its records. */
async function collecting(batchSize = 10) {
  const seen: number[] = [];
  const handlers = [prices(({ fields }) => void seen.push(Number(fields['id'])), batchSize)];
  return { seen, app: await bench.start({ handlers }) };
}

describe('a source over a CSV file', () => {
  it('hands every record out once, with its fields, in batches of batchSize', async () => {
    await fill(1_234);
    const rows: CsvRow[] = [];
    const id = ({ fields }: CsvRow) => Number(fields['id']);
    const app = await bench.start({
      handlers: [prices((row) => void rows.push(row), 100)],
    });
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'completed', done: 13, rowsDone: 1_234 });
    const inOrder = rows.toSorted((a, b) => id(a) - id(b));
    expect(inOrder.map(({ fields }) => fields)).toEqual(
      numbers(1_234).map((n) => ({ id: `${n}`, name: nameOf(n), price: n % 7 === 0 ? '' : `${n / 4}` })),
    );
  });

  it('counts the records of a short file, and estimates them for a long one', async () => {
    await fill(500);
    const { app } = await collecting(1_000);
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ rowsTotal: 500, rowsTotalKind: 'exact' });
    await fill(20_000);
    await app.backfills.start('prices');
    const { rowsTotal, rowsTotalKind, rowsDone } = await app.finished('prices');
    expect({ rowsTotalKind, rowsDone }).toEqual({ rowsTotalKind: 'estimated', rowsDone: 20_000 });
    expect(Math.abs((rowsTotal ?? 0) - 20_000)).toBeLessThan(2_000);
  });

  it.each([
    ['a header only', 'id,name,price\n', []],
    ['no content', '', []],
    ['no line break at the end', 'id,name,price\n1,a,\n2,b,', [1, 2]],
    ['one record', 'id\n7\n', [7]],
  ])('accepts a file with %s', async (_, content, expected) => {
    await writeFile(path, content);
    const { seen, app } = await collecting();
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'completed', rowsDone: expected.length });
    expect(seen).toEqual(expected);
  });

  it('begins at from and ends at to', async () => {
    await fill(100);
    const { seen, app } = await collecting();
    await app.backfills.start('prices', { from: 21, to: 45 });
    await app.finished('prices');
    expect(seen).toEqual(numbers(100).slice(20, 45));
    await expect(app.backfills.start('prices', { from: 0 })).rejects.toThrow('a record number from 1, got 0');
  });

  it('excludes records that are appended after the start', async () => {
    await fill(100);
    const { seen, app } = await collecting();
    await app.backfills.start('prices', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    await appendFile(path, record(101));
    await app.backfills.configure('prices', FAST);
    await app.finished('prices');
    expect(seen).toEqual(numbers(100));
  });

  it('stores a failed record by its offset, and reads it again for the retry', async () => {
    await fill(100);
    let broken = true;
    const handler = prices(({ fields }) => {
      if (broken && fields['id'] === '42') {
        throw new Error('no such article');
      }
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'failed', rowsDone: 99, rowsFailed: 1 });
    const offset = Buffer.byteLength(`id,name,price\r\n${numbers(41).map(record).join('')}`);
    expect((await app.backfills.failures('prices')).items).toMatchObject([
      { kind: 'row', key: offset, error: { message: 'no such article' } },
    ]);
    broken = false;
    await app.backfills.retryFailures('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'completed', rowsDone: 100, rowsFailed: 0 });
  });

  it('splits a range down to the failing record', async () => {
    await fill(64);
    const bad = Buffer.byteLength(`id,name,price\r\n${numbers(50).map(record).join('')}`);
    const handler = defineBackfill<CsvRange, CsvRow>({
      name: 'prices',
      source: csvSource(path),
      config: { ...FAST, batchSize: 64, attempts: 1 },
      processRange: ({ begin, end }) => {
        if (begin <= bad && bad < end) {
          throw new Error('range with the bad record');
        }
      },
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'failed', rowsDone: 63, rowsFailed: 1 });
    const { items } = await app.backfills.failures('prices');
    expect(items).toMatchObject([
      { kind: 'row', key: { begin: bad, end: bad + Buffer.byteLength(record(51)) } },
    ]);
  });
});
