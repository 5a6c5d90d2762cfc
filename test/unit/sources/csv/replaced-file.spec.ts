import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CsvFileSource } from '../../../../lib/sources/csv/csv-file.source.js';
import { CsvReader } from '../../../../lib/sources/csv/csv-reader.js';
import { FileContent } from '../../../../lib/sources/csv/file-content.js';
import { RecordParser } from '../../../../lib/sources/csv/record-parser.js';

const folder = await mkdtemp(join(tmpdir(), 'replaced-file-'));
const path = join(folder, 'prices.csv');
afterAll(() => rm(folder, { recursive: true }));

const FORMAT = { delimiter: ',', columns: undefined, maxRecordBytes: 1_000 };
const FILE = 'id,name\n1,a\n2,b\n3,c\n';
const context = { backfill: 'prices', em: undefined as never };

/** A file that is replaced when it has been read for the first time. */
class ReplacedContent extends FileContent {
  constructor(
    private readonly file: string,
    private readonly by: string,
  ) {
    super(file);
  }

  override async *chunks(begin: number, end?: number): AsyncIterable<Uint8Array> {
    try {
      yield* super.chunks(begin, end);
    } finally {
      await writeFile(this.file, this.by);
    }
  }
}

const sourceOf = (content: FileContent) =>
  new CsvFileSource(new CsvReader(content, FORMAT), new RecordParser(',', (record) => record));

beforeEach(() => writeFile(path, FILE));

it('refuses to start a run of a file that is replaced meanwhile', async () => {
  const source = sourceOf(new ReplacedContent(path, 'id,other name\n1,a\n2,b\n3,c\n'));
  await expect(source.open(context, {})).rejects.toThrow(
    'expected the same content while a run is started, got another',
  );
});

it('plans nothing of a file that is replaced meanwhile', async () => {
  const { partitions } = await sourceOf(new FileContent(path)).open(context, {});
  const source = sourceOf(new ReplacedContent(path, FILE.replace('2,b', '2,x')));
  const request = {
    partition: '',
    bounds: partitions[0]?.bounds ?? null,
    cursor: null,
    batchSize: 10,
    limit: 10,
  };
  await expect(source.plan(context, request)).rejects.toMatchObject({ code: 'BACKFILL_SOURCE_CHANGED' });
});

it('reads rows by their keys as it has read them with their range', async () => {
  const source = sourceOf(new FileContent(path));
  const rows = await source.load(context, await firstRange(source));
  const keys = rows.map((row) => source.keyOf(row));
  expect(rows).toEqual(['a', 'b', 'c'].map((name, i) => ({ id: `${i + 1}`, name })));
  expect(await source.loadKeys(context, keys)).toEqual(rows);
  expect(await source.loadKeys(context, [keys[0] ?? null, keys[2] ?? null])).toEqual([rows[0], rows[2]]);
});

async function firstRange(source: ReturnType<typeof sourceOf>) {
  const { partitions } = await source.open(context, {});
  const request = {
    partition: '',
    bounds: partitions[0]?.bounds ?? null,
    cursor: null,
    batchSize: 10,
    limit: 10,
  };
  const { ranges } = await source.plan(context, request);
  return ranges[0]?.data ?? null;
}
