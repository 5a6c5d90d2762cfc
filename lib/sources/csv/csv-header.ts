import { ContentHash } from '../content-hash.js';
import { describeValue } from '../../errors/describe-value.js';
import { ContentProblem } from './content.problem.js';
import type { CsvContent } from './csv-content.js';
import { nameTwice, type CsvFormat } from './csv-format.js';
import { parseFields } from './parse-fields.js';
import { RecordScanner, type RecordPosition } from './record-scanner.js';
import { recordText } from './record-text.js';

/** The names of the fields of a file, and where its records begin. */
export interface CsvHeader {
  readonly names: readonly string[];
  /** Byte offset of the first record. */
  readonly begin: number;
  /** Number of its line, from 1. */
  readonly line: number;
  /** Identifies the names: a record has other values under others. */
  readonly hash: string;
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads the header. An empty file has one without names.
 *
 * @throws ContentProblem where it is malformed
 */
export async function readHeader(content: CsvContent, format: CsvFormat): Promise<CsvHeader> {
  let bytes = Buffer.alloc(0);
  let first: RecordPosition | undefined;
  for await (const chunk of content.chunks(0)) {
    bytes = Buffer.concat([bytes, chunk]);
    assertUtf8(bytes);
    first = firstRecord(bytes, format, false);
    if (first || (format.columns && bytes.length >= BOM.length) || bytes.length > format.maxRecordBytes) {
      break;
    }
  }
  const begin = bomLength(bytes);
  if (format.columns) {
    return header(format.columns, begin, 1);
  }
  if (!first && bytes.length > format.maxRecordBytes) {
    throw new ContentProblem(
      'header',
      `at most ${format.maxRecordBytes} bytes (maxRecordBytes)`,
      'no end of it',
    );
  }
  first ??= firstRecord(bytes, format, true);
  if (!first) {
    return header([], bytes.length, 1);
  }
  const text = recordText(bytes.subarray(first.begin, first.end));
  if (/\r[^\n]/.test(text)) {
    throw new ContentProblem('header', 'lines that end with \\n or \\r\\n', '\\r alone');
  }
  const names = parseFields(text, format.delimiter);
  const twice = nameTwice(names);
  if (twice !== undefined) {
    throw new ContentProblem('header', 'names that differ', `${describeValue(twice)} twice`);
  }
  return header(names, first.end, first.nextLine);
}

function header(names: readonly string[], begin: number, line: number): CsvHeader {
  return { names, begin, line, hash: ContentHash.of(JSON.stringify(names)).digest() };
}

function firstRecord(bytes: Buffer, format: CsvFormat, ended: boolean): RecordPosition | undefined {
  const begin = bomLength(bytes);
  const scanner = new RecordScanner(begin, 1, format.delimiter.charCodeAt(0));
  const [first] = scanner.scan(bytes.subarray(begin));
  return first ?? (ended ? [...scanner.finish()][0] : undefined);
}

function bomLength(bytes: Buffer): number {
  return bytes.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
}

/** UTF-16 has zero bytes or begins with a mark of its own. */
function assertUtf8(bytes: Buffer): void {
  const mark = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0x2020;
  if (mark === 0xfeff || mark === 0xfffe || bytes.subarray(0, 4).includes(0)) {
    throw new ContentProblem('header', 'text in UTF-8', 'another encoding, such as UTF-16');
  }
}
