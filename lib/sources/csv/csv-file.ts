import type { BackfillSource } from '../backfill-source.js';
import type { CsvRange } from '../ranges.js';
import { CsvFileSource } from './csv-file.source.js';
import { CsvReader } from './csv-reader.js';
import { FileContent } from './file-content.js';
import { RecordParser, type CsvRecord } from './record-parser.js';
import { StreamContent, type CsvStream } from './stream-content.js';

/**
 * Options of `csvFile`.
 *
 * @typeParam Row What batch and row handlers get.
 * @publicApi
 */
export interface CsvFileOptions<Row extends object = CsvRecord> {
  /**
   * Makes the row of a record: a new object each time, the same for the same record. A record for which it throws is a
   * failed row. Default: the row is the record, whose values are texts.
   *
   * @param line number of the first line of the record, from 1
   */
  readonly parse?: (record: CsvRecord, line: number) => Row;
  /** The names of the fields of a file without a header. Default: the names are the first record of the file. */
  readonly columns?: readonly string[];
  /** One ASCII character between two fields. Default: `,`. */
  readonly delimiter?: string;
  /**
   * Longest record in bytes; a longer one pauses the run when it is planned, until this is raised. It bounds what a quote
   * that is not closed can read into memory. Default: 1 MiB.
   */
  readonly maxRecordBytes?: number;
}

const MAX_RECORD_BYTES = 1024 * 1024;

/**
 * A source of the records of a CSV file (RFC 4180, UTF-8) with a header. Batch and row handlers get a row for each record;
 * range handlers get a `CsvRange`.
 *
 * A chunk of the file at a time is in memory while ranges are planned, and the bytes of a range while it is processed,
 * whatever the size of the file. Lines end with `\n` or `\r\n`, the last one need not; quoted fields may have line breaks; a
 * byte order mark and empty lines are skipped. The total of rows is counted up to 1,000 and estimated above, by the size of
 * the file.
 *
 * A record that is malformed (a quote out of place, too many or too few fields, bytes that are no UTF-8, `parse` throws)
 * fails without a further attempt, with its line, and no other row fails with it.
 *
 * The process that starts a run and those with workers have to read the same file. A run covers the records that are there
 * when it starts, also where others are appended later. Any other change pauses the run with `BACKFILL_SOURCE_CHANGED` as
 * soon as something is planned or loaded that it concerns: each range has a hash of its bytes, and each planning cycle
 * compares the length of the file, 64 KiB at either end, and the range before. `from` and `to` of `start` and `preview` are
 * numbers of lines from 1, the header's included, as failures and errors have them.
 *
 * A function that returns a stream serves a file that is not on a disk, such as an object in a bucket. A stream can only be
 * read from its beginning: `start` reads the whole file three times, planning twice in each cycle, and each range
 * all that is before it. This suits files up to some hundred ranges; download a larger one, and give its path.
 *
 * @param file path of the file, or a function that returns a new stream of its bytes each time
 * @param options See `CsvFileOptions`. Default: a comma between fields, rows of texts.
 * @throws BackfillSourceError At app start with code `BACKFILL_SOURCE_INVALID` for an invalid option. At `start` and
 * `preview` with that code where the file cannot be read or its header is malformed, and with `BACKFILL_SOURCE_BOUNDS` for
 * an invalid `from` or `to`. During a run with `BACKFILL_SOURCE_CHANGED` and `BACKFILL_SOURCE_ROW`.
 * @example
 * ```ts
 * interface Price { article: string; cents: number }
 *
 * @Backfill({
 *   source: csvFile('/data/prices.csv', {
 *     parse: ({ article, price }): Price => ({ article, cents: Math.round(Number(price) * 100) }),
 *   }),
 *   config: { batchSize: 1_000 },
 * })
 * export class ImportPrices implements BatchHandler<Price> {
 *   async processBatch(prices: Price[], { em }: BackfillContext) { await em.upsertMany(ArticlePrice, prices); }
 * }
 * ```
 * @example
 * ```ts
 * csvFile(async () => (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body as Readable)
 * ```
 * @publicApi
 */
export function csvFile<Row extends object>(
  file: string | (() => CsvStream | Promise<CsvStream>),
  options: CsvFileOptions<Row> & Required<Pick<CsvFileOptions<Row>, 'parse'>>,
): BackfillSource<CsvRange, Row>;
/**
 * A source of the records of a CSV file, each an object of texts by the names of the columns. The signature with `parse`
 * has the documentation.
 *
 * @publicApi
 */
export function csvFile(
  file: string | (() => CsvStream | Promise<CsvStream>),
  options?: CsvFileOptions & { readonly parse?: never },
): BackfillSource<CsvRange, CsvRecord>;
export function csvFile(
  file: string | (() => CsvStream | Promise<CsvStream>),
  { parse, columns, delimiter = ',', maxRecordBytes = MAX_RECORD_BYTES }: CsvFileOptions<object> = {},
): BackfillSource<CsvRange, object> {
  const content = typeof file === 'string' ? new FileContent(file) : new StreamContent(file);
  const format = { delimiter, columns, maxRecordBytes };
  const parser = new RecordParser<object>(delimiter, parse ?? ((record) => record));
  return new CsvFileSource(new CsvReader(content, format), parser);
}
