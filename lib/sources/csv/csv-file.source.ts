import { describeValue } from '../../errors/describe-value.js';
import type {
  BackfillSource,
  JsonValue,
  OpenRequest,
  PlannedRange,
  PlanRequest,
  SourceContext,
  SourceOpening,
  SourcePlan,
} from '../backfill-source.js';
import { ContentHash } from '../content-hash.js';
import type { CsvRange } from '../ranges.js';
import { ContentProblem } from './content.problem.js';
import { cutRanges, type CsvSlice } from './cut-ranges.js';
import { formatProblem } from './csv-format.js';
import type { CsvHeader } from './csv-header.js';
import type { CsvReader } from './csv-reader.js';
import { openBounds, type CsvBounds } from './open-bounds.js';
import type { RecordParser } from './record-parser.js';
import { recordsIn } from './scan-records.js';

/** The last range that was planned, which still has to be what it was: else the records after it have moved. */
type CsvCursor = CsvSlice & { readonly nextLine: number };

/** Where the bytes of a row are, for its key. */
interface RowBytes {
  readonly bytes: Uint8Array;
  readonly position: Omit<CsvSlice, 'hash'>;
  readonly header: string;
}

/**
 * The source that `csvFile` returns.
 *
 * @internal
 */
export class CsvFileSource<Row extends object> implements BackfillSource<CsvRange, Row> {
  readonly kind = 'csv-file';
  private readonly rowBytes = new WeakMap<object, RowBytes>();

  constructor(
    private readonly reader: CsvReader,
    private readonly parser: RecordParser<Row>,
  ) {}

  prepare({ backfill }: SourceContext): void {
    const problem = formatProblem(this.reader.format);
    if (problem) {
      const { field, expected, received } = problem;
      throw this.reader.error(backfill, 'BACKFILL_SOURCE_INVALID', field, expected, describeValue(received), {
        remedy: 'Correct the options of csvFile.',
      });
    }
  }

  /** Without `maxRecordBytes`: it changes no range, and a run that was paused by it goes on once it is raised. */
  walk(): Record<string, string> {
    const { delimiter, columns } = this.reader.format;
    const names = columns ? JSON.stringify(columns) : 'from the header';
    return { format: `delimiter ${JSON.stringify(delimiter)}, columns ${names}` };
  }

  async open({ backfill }: SourceContext, request: OpenRequest): Promise<SourceOpening> {
    return this.reader.reading(backfill, 'BACKFILL_SOURCE_INVALID', async () => {
      const { content, format } = this.reader;
      // First: a directory or a pipe cannot be read.
      const size = await content.size();
      // A stream is read as a whole for each version: that of its bounds has to do.
      const before = content.sequential ? null : await content.version(size);
      const header = await this.reader.readHeader();
      const { bounds, total } = await openBounds(
        content,
        format,
        { header, size },
        request,
        (field, expected, got) =>
          this.reader.error(backfill, 'BACKFILL_SOURCE_BOUNDS', field, expected, describeValue(got), {
            remedy: 'Give the number of a line, from 1, as failures and errors have it.',
          }),
      );
      if (!content.sequential && (before === null || (await content.version(size)) !== before)) {
        const expected = 'the same content while a run is started';
        throw new ContentProblem('content', expected, 'another', 'Start the run once the file is complete.');
      }
      return { partitions: [{ name: '', bounds }], total };
    });
  }

  async plan(
    { backfill }: SourceContext,
    { bounds, cursor, batchSize, limit }: PlanRequest,
  ): Promise<SourcePlan> {
    if (bounds === null) {
      return { ranges: [], cursor, exhausted: true };
    }
    const { begin, end, line } = bounds as CsvBounds;
    const previous = cursor as CsvCursor | null;
    return this.reader.reading(backfill, 'BACKFILL_SOURCE_CHANGED', async () => {
      const { content, format } = this.reader;
      // The version of a stream is one of all bytes: nothing before the cursor has moved.
      if (!content.sequential) {
        await this.assertVersion(backfill, bounds as CsvBounds);
        if (previous) {
          await this.reader.read(backfill, [previous]);
        }
      }
      const { hash: header } = await this.reader.readHeader();
      const next = previous ? { begin: previous.end, line: previous.nextLine } : { begin, line };
      const { ranges, endedAt } = await cutRanges({
        content,
        format,
        header,
        ...next,
        end,
        batchSize,
        limit,
      });
      if (endedAt !== null && (endedAt < end || (await this.reader.goesOn(end)))) {
        throw this.reader.changed(backfill, `bytes 0 to ${end}`);
      }
      // Afterwards: it may have been replaced while it was cut.
      await this.assertVersion(backfill, bounds as CsvBounds);
      const last = ranges.at(-1);
      return {
        ranges: ranges.map(({ data, rows }) => ({ data, rows })),
        cursor: last ? { ...last.data, nextLine: last.nextLine } : cursor,
        exhausted: endedAt !== null,
      };
    });
  }

  /** The total of a large file is an estimate, the records of a range are not. */
  planExact(context: SourceContext, request: PlanRequest): Promise<SourcePlan> {
    return this.plan(context, request);
  }

  toRange(data: JsonValue, index: number): CsvRange {
    const { line, begin, end } = data as CsvSlice;
    return { index, line, begin, end };
  }

  async load({ backfill }: SourceContext, data: JsonValue): Promise<Row[]> {
    return this.loadSlices(backfill, [data as CsvSlice]);
  }

  keyOf(row: Row): JsonValue {
    const found = this.rowBytes.get(row);
    if (!found) {
      throw new Error('expected a row that csvFile has loaded');
    }
    const { bytes, position, header } = found;
    return { ...position, hash: ContentHash.of(header, bytes).digest() };
  }

  async loadKeys({ backfill }: SourceContext, keys: readonly JsonValue[]): Promise<Row[]> {
    return this.loadSlices(backfill, keys as readonly CsvSlice[]);
  }

  async split({ backfill }: SourceContext, data: JsonValue): Promise<PlannedRange[]> {
    const slice = data as CsvSlice;
    const { pieces, header } = await this.reader.read(backfill, [slice]);
    const bytes = pieces[0] ?? new Uint8Array();
    const records = recordsIn(bytes, this.reader.format, slice);
    const half = Math.ceil(records.length / 2);
    const middle = records[half - 1];
    if (records.length < 2 || !middle) {
      return [{ data: slice, rows: records.length }];
    }
    const part = (position: Omit<CsvSlice, 'hash'>, rows: number): PlannedRange => {
      const own = bytes.subarray(position.begin - slice.begin, position.end - slice.begin);
      return { data: { ...position, hash: ContentHash.of(header.hash, own).digest() }, rows };
    };
    return [
      part({ line: slice.line, begin: slice.begin, end: middle.end }, half),
      part({ line: middle.nextLine, begin: middle.end, end: slice.end }, records.length - half),
    ];
  }

  describe(data: JsonValue): JsonValue {
    const { line, begin, end } = data as CsvSlice;
    return { line, begin, end };
  }

  /** @throws BackfillSourceError where the file is not the one that the run was started with */
  private async assertVersion(backfill: string, { end, version }: CsvBounds): Promise<void> {
    if ((await this.reader.content.version(end)) !== version) {
      throw this.reader.changed(backfill, `bytes 0 to ${end}`);
    }
  }

  private async loadSlices(backfill: string, slices: readonly CsvSlice[]): Promise<Row[]> {
    const { pieces, header } = await this.reader.read(backfill, slices);
    return slices.flatMap((slice, i) => {
      const bytes = pieces[i] ?? new Uint8Array();
      return recordsIn(bytes, this.reader.format, slice).map(({ line, begin, end }) => {
        const own = bytes.subarray(begin - slice.begin, end - slice.begin);
        const row = this.parseRow(backfill, header, own, line);
        this.rowBytes.set(row, { bytes: own, position: { line, begin, end }, header: header.hash });
        return row;
      });
    });
  }

  private parseRow(backfill: string, header: CsvHeader, bytes: Uint8Array, line: number): Row {
    try {
      return this.parser.parse(header.names, bytes, line, (row) => this.rowBytes.get(row)?.position.line);
    } catch (cause) {
      const { field, expected, received } = cause instanceof ContentProblem ? cause : parseProblem(cause);
      throw this.reader.error(backfill, 'BACKFILL_SOURCE_ROW', `line ${line}, ${field}`, expected, received, {
        remedy: 'Correct the record or parse, and process it in a run of its own with from and to.',
        cause,
      });
    }
  }
}

/** What `parse` has thrown. */
function parseProblem(error: unknown): Pick<ContentProblem, 'field' | 'expected' | 'received'> {
  const message = error instanceof Error ? error.message : String(error);
  return { field: 'parse', expected: 'a record that it accepts', received: `an error: ${message}` };
}
