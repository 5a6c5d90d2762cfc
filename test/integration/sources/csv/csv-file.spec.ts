import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { csvFile } from 'nestjs-backfill';
import type { BackfillSource, CsvFileOptions, CsvRange, CsvRecord, CsvStream } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually } from '../../../support/apps/index.js';

const FAST = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 1, concurrency: 1 };
const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
const SLOW = { perSecondOnPeak: 0.05, perSecondOffPeak: 0.05, duration: 2_000 };

const bench = await createAppBench();
const folder = await mkdtemp(join(tmpdir(), 'csv-file-'));
const path = join(folder, 'prices.csv');
afterAll(() => rm(folder, { recursive: true }));

interface Price {
  readonly id: number;
  readonly name: string;
  readonly cents: number | null;
}

const parse = ({ id, name = '', price }: CsvRecord): Price => ({
  id: Number(id),
  name,
  cents: price === '' ? null : Number(price) * 100,
});
const HEADER = 'id,name,price\r\n';
/** Names of different lengths, with characters that CSV has to quote. */
const nameOf = (n: number) => `Prägung "${n}", ${'x'.repeat(n % 40)}${n % 3 === 0 ? '\nsecond line' : ''}`;
const record = (n: number) => `${n},"${nameOf(n).replaceAll('"', '""')}",${n % 7 === 0 ? '' : n / 4}\r\n`;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const fileOf = (count: number) => HEADER + numbers(count).map(record).join('');
const write = (content: string | Buffer) => writeFile(path, content);

type PriceSource = BackfillSource<CsvRange, Price>;

function rowHandler(
  handle: (row: Price) => void,
  batchSize: number,
  source: PriceSource = csvFile(path, { parse }),
) {
  return defineBackfill<CsvRange, Price>({
    name: 'prices',
    source,
    config: { ...FAST, batchSize, attempts: 2 },
    processRow: handle,
  });
}

/** Starts an app with a backfill that collects the ids of its rows, and fails for those in `broken`. */
async function collecting(batchSize = 10, source?: PriceSource) {
  const seen: number[] = [];
  const broken = new Set<number>();
  const handler = rowHandler(
    ({ id }) => {
      if (broken.has(id)) {
        throw new Error('no such article');
      }
      seen.push(id);
    },
    batchSize,
    source,
  );
  return { seen, broken, app: await bench.start({ handlers: [handler] }) };
}

/** An app that collects the records of a file with these options. */
async function recordsOf(content: string | Buffer, options: CsvFileOptions & { parse?: never } = {}) {
  await write(content);
  const records: CsvRecord[] = [];
  const handler = defineBackfill<CsvRange, CsvRecord>({
    name: 'records',
    source: csvFile(path, options),
    config: { ...FAST, batchSize: 2, attempts: 1 },
    processBatch: (rows) => void records.push(...rows),
  });
  const app = await bench.start({ handlers: [handler] });
  return { records, app };
}

const inOrder = (ids: readonly number[]) => ids.toSorted((a, b) => a - b);

describe.each([
  ['a path', () => csvFile(path, { parse })],
  ['a stream', () => csvFile(() => createReadStream(path, { highWaterMark: 1_000 }), { parse })],
  ['a stream of texts', () => csvFile(async () => createReadStream(path, 'utf8'), { parse })],
])('csvFile of %s', (_, source) => {
  it('hands every record out once, in batches of batchSize', async () => {
    await write(fileOf(1_234));
    const rows: Price[] = [];
    const app = await bench.start({ handlers: [rowHandler((row) => void rows.push(row), 100, source())] });
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'completed', done: 13, rowsDone: 1_234 });
    expect(rows.toSorted((a, b) => a.id - b.id)).toEqual(
      numbers(1_234).map((id) => ({ id, name: nameOf(id), cents: id % 7 === 0 ? null : id * 25 })),
    );
  });

  it('goes on in another process', async () => {
    await write(fileOf(300));
    const first = await collecting(10, source());
    await first.app.backfills.start('prices', {
      config: { perSecondOnPeak: 20, perSecondOffPeak: 20, duration: 1 },
    });
    await eventually(
      'some rows to be done',
      () => first.app.backfills.status('prices'),
      ({ rowsDone }) => rowsDone >= 20,
    );
    await first.app.close();
    const second = await collecting(10, source());
    await second.app.backfills.configure('prices', FAST);
    expect(await second.app.finished('prices')).toMatchObject({ state: 'completed', rowsDone: 300 });
    expect(inOrder([...first.seen, ...second.seen])).toEqual(numbers(300));
    expect(second.seen.length).toBeGreaterThan(0);
  });

  it('stores a failed row by its place, and reads it again for the retry in another process', async () => {
    await write(fileOf(100));
    const { app, broken } = await collecting(10, source());
    [42, 43, 77].forEach((id) => broken.add(id));
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'failed', rowsDone: 97, rowsFailed: 3 });
    const begin = Buffer.byteLength(fileOf(41));
    const { items } = await app.backfills.failures('prices');
    expect(items).toHaveLength(3);
    expect(items).toContainEqual(
      expect.objectContaining({
        kind: 'row',
        key: {
          // The header, 41 records, and a second line in each third.
          line: 1 + 41 + 13 + 1,
          begin,
          end: begin + Buffer.byteLength(record(42)),
          hash: expect.any(String) as string,
        },
      }),
    );
    await app.close();
    const again = await collecting(10, source());
    await again.app.backfills.retryFailures('prices');
    expect(await again.app.finished('prices')).toMatchObject({
      state: 'completed',
      rowsDone: 100,
      rowsFailed: 0,
    });
    expect(inOrder(again.seen)).toEqual([42, 43, 77]);
  });

  it('fails a malformed record alone, with its line', async () => {
    await write(`${HEADER}1,a,1\r\n2,b\r\n3,"c"c,3\r\n${numbers(20).slice(3).map(record).join('')}21,"z,1`);
    const { app, seen } = await collecting(10, source());
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'failed', rowsDone: 18, rowsFailed: 3 });
    expect(inOrder(seen)).toEqual([1, ...numbers(20).slice(3)]);
    const { items } = await app.backfills.failures('prices');
    const failures = items.map(({ kind, attempts, error: { message } }) => ({ kind, attempts, message }));
    const messages = failures.map(({ message }) => message).join('\n');
    expect(failures.map(({ kind }) => kind)).toEqual(['row', 'row', 'row']);
    expect(messages).toContain('(line 3, record): expected 3 fields, got 2.');
    expect(messages).toContain(
      '(line 4, field 2): expected "," or the end of the record after the closing quote, got "c".',
    );
    expect(messages).toContain('field 2): expected a closing quote, got the end of the file.');
  });

  it('pauses a run whose file has changed, and goes on with the file as it was', async () => {
    await write(fileOf(100));
    const { app, seen } = await collecting(10, source());
    // All ranges are planned at once, and processed 20 s apart.
    await app.backfills.start('prices', { config: SLOW });
    await eventually(
      'all ranges to be planned',
      () => app.backfills.status('prices'),
      ({ planned }) => planned === 10,
    );
    await write(fileOf(100).replace('Prägung ""42""', 'Prägung ""24""'));
    await app.backfills.configure('prices', FAST);
    await eventually(
      'the run to be paused',
      () => app.backfills.status('prices'),
      ({ state }) => state === 'paused',
    );
    const { lastError } = await app.backfills.status('prices');
    expect(lastError?.message).toContain('expected the content that the run was started with, got another');
    expect((await app.backfills.failures('prices')).items).toEqual([]);
    await write(fileOf(100));
    await app.backfills.resume('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'completed', rowsDone: 100, rowsFailed: 0 });
    expect(inOrder(seen)).toEqual(numbers(100));
  });

  it('begins at the line from and ends at the line to', async () => {
    await write(
      `${HEADER}${numbers(9)
        .map((n) => `${n},"a\nb",1\n`)
        .join('')}`,
    );
    const { app, seen } = await collecting(2, source());
    await app.backfills.start('prices', { from: 4, to: '9' });
    expect(await app.finished('prices')).toMatchObject({
      state: 'completed',
      rowsTotal: 3,
      rowsTotalKind: 'exact',
    });
    expect(inOrder(seen)).toEqual([2, 3, 4]);
    for (const bounds of [{ from: 0 }, { to: 'x' }, { from: 3, to: 2 }]) {
      await expect(app.backfills.start('prices', bounds)).rejects.toMatchObject({
        code: 'BACKFILL_SOURCE_BOUNDS',
      });
    }
  });
});

describe('csvFile', () => {
  it('counts the records of a short file, and estimates those of a long one', async () => {
    await write(fileOf(500));
    const { app } = await collecting(1_000);
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ rowsTotal: 500, rowsTotalKind: 'exact' });
    await write(fileOf(20_000));
    await app.backfills.start('prices');
    const { rowsTotal, rowsTotalKind, rowsDone } = await app.finished('prices');
    expect({ rowsTotalKind, rowsDone }).toEqual({ rowsTotalKind: 'estimated', rowsDone: 20_000 });
    expect(Math.abs((rowsTotal ?? 0) - 20_000)).toBeLessThan(2_000);
  });

  it.each([
    ['a header only', 'id,name\n', {}, []],
    ['no content', '', {}, []],
    [
      'no line break at the end',
      'id,name\n1,a\n2,',
      {},
      [
        ['1', 'a'],
        ['2', ''],
      ],
    ],
    ['a byte order mark', '\uFEFF"id",name\n1,a\n', {}, [['1', 'a']]],
    ['a byte order mark and no header', '\uFEFF1,a\n', { columns: ['id', 'name'] }, [['1', 'a']]],
    [
      'no header',
      '1,a\r\n2,b\r\n',
      { columns: ['id', 'name'] },
      [
        ['1', 'a'],
        ['2', 'b'],
      ],
    ],
    [
      'empty lines',
      '\nid,name\n\n1,a\r\n\r\n\n2,b\n\n3,c\n\n\n',
      {},
      [
        ['1', 'a'],
        ['2', 'b'],
        ['3', 'c'],
      ],
    ],
    ['tabs', 'id\tname\n1\t"a\tb,c"\n', { delimiter: '\t' }, [['1', 'a\tb,c']]],
    ['a line break in the header', '"id","na\nme"\n1,a\n', {}, [['1', 'a']]],
    ['a column named then', 'id,then\n1,a\n', {}, [['1', 'a']]],
  ])('accepts a file with %s', async (_, content, options, expected) => {
    const { app, records } = await recordsOf(content, options);
    await app.backfills.start('records');
    expect(await app.finished('records')).toMatchObject({ state: 'completed', rowsDone: expected.length });
    const rows = records.map((it) => Object.values(it));
    expect(rows.toSorted(([a = ''], [b = '']) => a.localeCompare(b))).toEqual(expected);
  });

  it.each([
    ['a field twice in the header', 'id,id\n1,2\n', 'expected names that differ, got "id" twice'],
    ['UTF-16', Buffer.from('\uFEFFid\n1\n', 'utf16le'), 'expected text in UTF-8, got another encoding'],
    [
      'UTF-16 without a mark',
      Buffer.from('id\n1\n', 'utf16le'),
      'expected text in UTF-8, got another encoding',
    ],
    [
      'lines that end with \\r',
      'id,name\r1,a\r',
      'expected lines that end with \\n or \\r\\n, got \\r alone',
    ],
    ['a malformed header', 'id,"name\n1,a\n', 'expected a closing quote, got the end of the file'],
  ])('refuses to start with a file with %s', async (_, content, message) => {
    const { app } = await recordsOf(content);
    await expect(app.backfills.start('records')).rejects.toThrow(message);
  });

  it('fails rows with bytes that are no UTF-8, and rows that parse refuses', async () => {
    await write(
      Buffer.concat([
        Buffer.from('id,name,price\n1,a,1\n2,'),
        Buffer.from([0xe9]),
        Buffer.from(',1\n3,c,1\n'),
      ]),
    );
    const source = csvFile(path, {
      parse: (fields) => {
        if (fields['id'] === '3') {
          throw new RangeError('the id is taken');
        }
        return parse(fields);
      },
    });
    const { app, seen } = await collecting(10, source);
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'failed', rowsDone: 1, rowsFailed: 2 });
    expect(seen).toEqual([1]);
    const messages = (await app.backfills.failures('prices')).items
      .map(({ error }) => error.message)
      .join('\n');
    expect(messages).toContain('(line 3, record): expected text in UTF-8, got other bytes.');
    expect(messages).toContain(
      '(line 4, parse): expected a record that it accepts, got an error: the id is taken.',
    );
  });

  it.each([
    ['no object', () => 1 as unknown as Price, 'expected an object, got 1'],
    ['a promise', () => Promise.resolve({}) as unknown as Price, 'expected an object, got a promise'],
    ['one object for all', () => SHARED, 'expected a new object, got that of line 2'],
  ])('fails rows of which parse makes %s', async (_, toRow, message) => {
    await write('id\n1\n2\n');
    const { app } = await collecting(2, csvFile(path, { parse: toRow }));
    await app.backfills.start('prices');
    const { rowsFailed } = await app.finished('prices');
    expect(rowsFailed).toBeGreaterThan(0);
    const { items } = await app.backfills.failures('prices');
    expect(items.map(({ error }) => error.message).join('\n')).toContain(message);
  });

  it('hands lines and offsets to range handlers, and splits a range down to the record that fails', async () => {
    await write(fileOf(64));
    const bad = Buffer.byteLength(fileOf(50));
    const ranges: CsvRange[] = [];
    const handler = defineBackfill<CsvRange, CsvRecord>({
      name: 'prices',
      source: csvFile(path),
      config: { ...FAST, batchSize: 64, attempts: 1 },
      processRange: (range) => {
        ranges.push(range);
        if (range.begin <= bad && bad < range.end) {
          throw new Error('range with the bad record');
        }
      },
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('prices');
    expect(await app.finished('prices')).toMatchObject({ state: 'failed', rowsDone: 63, rowsFailed: 1 });
    const whole = { index: 0, line: 2, begin: Buffer.byteLength(HEADER), end: Buffer.byteLength(fileOf(64)) };
    expect(ranges[0]).toEqual(whole);
    const { items } = await app.backfills.failures('prices');
    const line = 1 + 50 + 16 + 1;
    expect(items).toMatchObject([
      { kind: 'row', key: { line, begin: bad, end: bad + Buffer.byteLength(record(51)) } },
    ]);
  });

  it('leaves records out that are appended after the start', async () => {
    await write(fileOf(100));
    const { seen, app } = await collecting();
    await app.backfills.start('prices', { config: HELD });
    await appendFile(path, record(101));
    await app.backfills.configure('prices', FAST);
    expect(await app.finished('prices')).toMatchObject({ state: 'completed', rowsDone: 100 });
    expect(inOrder(seen)).toEqual(numbers(100));
  });

  it.each([
    ['shorter', () => fileOf(99)],
    ['absent', () => null],
    ['one with a record inserted', () => HEADER + record(0) + fileOf(100).slice(HEADER.length)],
    ['one with other columns', () => fileOf(100).replace('id,name', 'name,id')],
    ['one whose last record goes on', () => `${fileOf(100).trimEnd()}5`],
  ])('pauses a run before it plans, where the file is %s', async (_, changed) => {
    await write(fileOf(100).trimEnd());
    const { app, seen } = await collecting();
    await app.backfills.start('prices', { config: { ...HELD, duration: 1 } });
    const { cursor } = await app.backfills.status('prices');
    expect(cursor).toBeNull();
    const content = changed();
    await (content === null ? rm(path) : write(content));
    await app.backfills.configure('prices', FAST);
    await eventually(
      'the run to be paused',
      () => app.backfills.status('prices'),
      ({ state }) => state === 'paused',
    );
    expect((await app.backfills.status('prices')).lastError?.message).toMatch(/got another|got ENOENT/);
    expect(seen).toEqual([]);
  });

  it('refuses a file that is absent or a folder when a run is started', async () => {
    await rm(path, { force: true });
    const { app } = await collecting();
    await expect(app.backfills.start('prices')).rejects.toThrow('expected a readable file, got ENOENT');
    await app.close();
    const other = await collecting(10, csvFile(folder, { parse }));
    await expect(other.app.backfills.start('prices')).rejects.toThrow(
      'expected a regular file, got a directory',
    );
  });

  it('refuses to start with a record that is longer than maxRecordBytes, and pauses a run that gets to one', async () => {
    const message = 'expected a record of at most 1000 bytes (maxRecordBytes), got a longer one.';
    const tooLong = `1,"b\n${'c'.repeat(2_000)}`;
    const { app } = await recordsOf(`id,name\n1,a\n${tooLong}`, { maxRecordBytes: 1_000 });
    await expect(app.backfills.start('records')).rejects.toThrow(`(line 3): ${message}`);
    await write(`id,name\n${'1,a\n'.repeat(1_500)}${tooLong}`);
    await app.backfills.start('records');
    await eventually(
      'the run to be paused',
      () => app.backfills.status('records'),
      ({ state }) => state === 'paused',
    );
    expect((await app.backfills.status('records')).lastError?.message).toContain(`(line 1502): ${message}`);
  });

  it('goes on past a record that was too long, in a process with a higher maxRecordBytes', async () => {
    const content = `id,name\n${'1,a\n'.repeat(1_500)}2,"${'b'.repeat(2_000)}"\n`;
    const first = await recordsOf(content, { maxRecordBytes: 1_000 });
    await first.app.backfills.start('records');
    await eventually(
      'the run to be paused',
      () => first.app.backfills.status('records'),
      ({ state }) => state === 'paused',
    );
    await first.app.close();
    const second = await recordsOf(content, { maxRecordBytes: 10_000 });
    await second.app.backfills.resume('records');
    expect(await second.app.finished('records')).toMatchObject({
      state: 'completed',
      rowsDone: 1_501,
      rowsFailed: 0,
    });
    expect(second.records).toContainEqual({ id: '2', name: 'b'.repeat(2_000) });
  });

  it('has no rows up to a line before the first record', async () => {
    await write(fileOf(3));
    const { app, seen } = await collecting();
    await app.backfills.start('prices', { to: 1 });
    expect(await app.finished('prices')).toMatchObject({ state: 'completed', rowsTotal: 0, rowsDone: 0 });
    expect(seen).toEqual([]);
  });

  it.each([
    [{ delimiter: '"' }, '(delimiter): expected one ASCII character but a quote'],
    [{ delimiter: ', ' }, '(delimiter): expected one ASCII character but a quote, got ", "'],
    [{ columns: ['a', 'a'] }, '(columns): expected names that differ, got "a"'],
    [{ columns: [] }, '(columns): expected a list of names'],
    [{ maxRecordBytes: 0 }, '(maxRecordBytes): expected a number of bytes from 1, got 0'],
  ])('refuses the options %j when the app starts', async (options, message) => {
    await expect(recordsOf('', options)).rejects.toThrow(message);
  });

  it.each([
    ['neither a path nor a function', undefined as unknown as string, 'expected a path, or a function'],
    ['a stream of objects', () => Readable.from([{ id: 1 }]), 'expected bytes or text, got an object'],
  ])('refuses %s', async (_, file, message) => {
    const { app } = await collecting(10, csvFile(file, { parse }));
    await expect(app.backfills.start('prices')).rejects.toThrow(message);
  });

  it('refuses a function that returns one stream again, or none', async () => {
    await write(fileOf(3));
    const stream = createReadStream(path);
    const once = await collecting(
      10,
      csvFile(() => stream, { parse }),
    );
    await expect(once.app.backfills.start('prices')).rejects.toThrow(
      'expected a new stream each time, got the same one',
    );
    await once.app.close();
    const none = await collecting(
      10,
      csvFile(() => 'id\n1\n' as unknown as CsvStream, { parse }),
    );
    await expect(none.app.backfills.start('prices')).rejects.toThrow(
      'expected a stream of the function, got "id',
    );
  });

  it('has a preview, and a dry run', async () => {
    await write(fileOf(25));
    const { app, seen } = await collecting(10);
    const { ranges, total } = await app.backfills.preview('prices');
    expect(total).toBe(3);
    expect(ranges[0]).toMatchObject({
      index: 0,
      line: 2,
      begin: Buffer.byteLength(HEADER),
      end: Buffer.byteLength(fileOf(10)),
    });
    await app.backfills.start('prices', { dryRun: true });
    expect(await app.finished('prices')).toMatchObject({ state: 'completed', rowsDone: 25 });
    expect(inOrder(seen)).toEqual(numbers(25));
  });

  it('takes no work of a run whose file was read with other options', async () => {
    await write(fileOf(20));
    const first = await collecting();
    await first.app.backfills.start('prices', { config: HELD });
    await first.app.backfills.pause('prices');
    await first.app.close();
    const second = await collecting(10, csvFile(path, { parse, delimiter: ';' }));
    await expect(second.app.backfills.resume('prices')).rejects.toThrow('delimiter ";"');
  });
});

const SHARED: Price = { id: 0, name: '', cents: null };
