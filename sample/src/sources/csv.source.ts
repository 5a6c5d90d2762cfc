import type {
  BackfillRange,
  BackfillSource,
  JsonValue,
  OpenRequest,
  PlannedRange,
  PlanRequest,
  RowTotal,
  SourceContext,
  SourceOpening,
  SourcePlan,
} from 'nestjs-backfill';
import { BackfillRequestError } from 'nestjs-backfill';
import { csvFields } from './csv-fields.js';
import { CsvFile } from './csv.file.js';

/** The records between two byte offsets. */
export interface CsvRange extends BackfillRange {
  /** Byte offset of the first record. */
  readonly begin: number;
  /** Byte offset after the last record. */
  readonly end: number;
}

/** A record of the file. */
export interface CsvRow {
  /** Byte offset of the record; it identifies the record. */
  readonly offset: number;
  /** Values by field name. */
  readonly fields: Readonly<Record<string, string>>;
}

/** A range as stored in Redis. A `type`, because an interface is not assignable to `JsonValue`. */
type ByteRange = { readonly begin: number; readonly end: number };

/** Number of records from which the total is extrapolated. */
const SAMPLED_RECORDS = 1_000;

/**
 * A source of the records in a CSV file with a header. It needs constant memory, whatever the size of the file:
 * cursor and bounds are byte offsets. `from` and `to` of a start are record numbers from 1, both inclusive; the
 * header is not counted.
 *
 * The path must lead to the same file in all processes with workers. Records appended after the start of a run
 * are not part of it; the rest of the file must not change until the run has ended.
 *
 * @param path Path of the file.
 *
 * @example
 * ```ts
 * @Backfill({ source: csvSource('/data/prices.csv'), config: { batchSize: 1_000 } })
 * export class ImportPrices implements BatchHandler<CsvRow> { ... }
 * ```
 */
export function csvSource(path: string): BackfillSource<CsvRange, CsvRow> {
  return new CsvSource(path);
}

class CsvSource implements BackfillSource<CsvRange, CsvRow> {
  readonly kind = 'csv';
  private readonly file: CsvFile;

  constructor(path: string) {
    this.file = new CsvFile(path);
  }

  async open({ backfill }: SourceContext, { from, to }: OpenRequest): Promise<SourceOpening> {
    const size = await this.file.size();
    const { end: first } = await this.file.header();
    const begin = await this.endOfRecord(first, size, parseRecordNumber(backfill, 'from', from ?? 1) - 1);
    const end =
      to === undefined ? size : await this.endOfRecord(first, size, parseRecordNumber(backfill, 'to', to));
    const bounds = begin < end ? { begin, end } : null;
    return { partitions: [{ name: '', bounds }], total: await this.estimate(begin, end) };
  }

  async plan(_: SourceContext, { bounds, cursor, batchSize, limit }: PlanRequest): Promise<SourcePlan> {
    const { begin, end } = bounds as ByteRange;
    const ranges: PlannedRange[] = [];
    let next = (cursor as number | null) ?? begin;
    let last = next;
    let rows = 0;
    for await (last of this.file.recordEnds(next, end)) {
      rows++;
      if (rows === batchSize || last === end) {
        ranges.push({ data: { begin: next, end: last }, rows });
        next = last;
        rows = 0;
      }
      if (ranges.length === limit) {
        break;
      }
    }
    return { ranges, cursor: next, exhausted: next >= end };
  }

  async load(_: SourceContext, data: JsonValue): Promise<CsvRow[]> {
    const { begin, end } = data as ByteRange;
    const { names } = await this.file.header();
    const bytes = await this.file.bytes(begin, end);
    const rows: CsvRow[] = [];
    let offset = begin;
    for await (const next of this.file.recordEnds(begin, end)) {
      rows.push(toRow(offset, names, bytes.toString('utf8', offset - begin, next - begin)));
      offset = next;
    }
    return rows;
  }

  keyOf({ offset }: CsvRow): number {
    return offset;
  }

  async loadKeys(_: SourceContext, keys: readonly JsonValue[]): Promise<CsvRow[]> {
    const { names } = await this.file.header();
    const size = await this.file.size();
    const rows: CsvRow[] = [];
    for (const offset of keys as readonly number[]) {
      const end = await this.file.recordEnd(offset, size);
      if (end !== undefined) {
        rows.push(toRow(offset, names, await this.file.text(offset, end)));
      }
    }
    return rows;
  }

  async split(_: SourceContext, data: JsonValue): Promise<PlannedRange[]> {
    const { begin, end } = data as ByteRange;
    const ends: number[] = [];
    for await (const recordEnd of this.file.recordEnds(begin, end)) {
      ends.push(recordEnd);
    }
    const half = Math.ceil(ends.length / 2);
    const middle = ends[half - 1] ?? end;
    const halves = [
      { data: { begin, end: middle }, rows: half },
      { data: { begin: middle, end }, rows: ends.length - half },
    ];
    return halves.filter(({ rows }) => rows > 0);
  }

  private async estimate(begin: number, end: number): Promise<RowTotal> {
    let records = 0;
    let sampledTo = begin;
    for await (sampledTo of this.file.recordEnds(begin, end)) {
      if (++records === SAMPLED_RECORDS) {
        break;
      }
    }
    const rows = records && Math.round((records * (end - begin)) / (sampledTo - begin));
    return { rows, exact: sampledTo >= end };
  }

  private async endOfRecord(begin: number, size: number, recordNumber: number): Promise<number> {
    if (recordNumber === 0) {
      return begin;
    }
    let seen = 0;
    for await (const end of this.file.recordEnds(begin, size)) {
      if (++seen === recordNumber) {
        return end;
      }
    }
    return size;
  }
}

function toRow(offset: number, names: readonly string[], record: string): CsvRow {
  const values = csvFields(record);
  return { offset, fields: Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])) };
}

function parseRecordNumber(backfill: string, field: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new BackfillRequestError(backfill, field, 'a record number from 1', value);
  }
  return value;
}
