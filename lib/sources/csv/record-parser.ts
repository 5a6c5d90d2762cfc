import { describeValue } from '../../errors/describe-value.js';
import { ContentProblem } from './content.problem.js';
import { parseFields } from './parse-fields.js';
import { recordText } from './record-text.js';

/**
 * The fields of a record of a CSV file, by the names in its header.
 *
 * @publicApi
 */
export type CsvRecord = Readonly<Record<string, string>>;

const PARSE_REMEDY = 'Correct parse of csvFile.';

/** Makes rows of records. */
export class RecordParser<Row extends object> {
  constructor(
    private readonly delimiter: string,
    private readonly toRow: (record: CsvRecord, line: number) => Row,
  ) {}

  /**
   * @param lineOf the line of a row that was parsed before
   * @throws ContentProblem where the record is malformed, or its row cannot be identified; what `parse` throws
   */
  parse(
    names: readonly string[],
    bytes: Uint8Array,
    line: number,
    lineOf: (row: object) => number | undefined,
  ): Row {
    const values = parseFields(recordText(bytes), this.delimiter);
    if (values.length !== names.length) {
      throw new ContentProblem('record', `${names.length} fields`, `${values.length}`);
    }
    const record = Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
    const row: unknown = this.toRow(record, line);
    if (typeof row !== 'object' || row === null || isPromise(row)) {
      const received = typeof row === 'object' && row !== null ? 'a promise' : describeValue(row);
      throw new ContentProblem('parse', 'an object', received, PARSE_REMEDY);
    }
    const other = lineOf(row);
    if (other !== undefined && other !== line) {
      throw new ContentProblem('parse', 'a new object', `that of line ${other}`, PARSE_REMEDY);
    }
    return row as Row;
  }
}

/** Not every object with a `then`: a file may have a column of that name. */
function isPromise(value: object): boolean {
  return typeof Reflect.get(value, 'then') === 'function';
}
