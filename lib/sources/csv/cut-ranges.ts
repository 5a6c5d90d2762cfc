import type { PlannedRange } from '../backfill-source.js';
import { ContentHash } from '../content-hash.js';
import type { CsvContent } from './csv-content.js';
import type { CsvFormat } from './csv-format.js';
import { RecordScanner } from './record-scanner.js';
import { assertRecordLength } from './scan-records.js';

/** Records of a file, as stored in Redis. A `type`, because an interface is not assignable to `JsonValue`. */
export type CsvSlice = {
  /** Number of the line at `begin`, from 1. */
  readonly line: number;
  /** Byte offset of the first record, or of empty lines before it. */
  readonly begin: number;
  /** Byte offset after the last record. */
  readonly end: number;
  /** Identifies the bytes and the names of their fields, so that a file that has changed is noticed. */
  readonly hash: string;
};

/** What the ranges of a file are cut from. */
export interface CutRequest {
  readonly content: CsvContent;
  readonly format: CsvFormat;
  /** The hash of the header. */
  readonly header: string;
  /** Where the first range begins. */
  readonly begin: number;
  readonly line: number;
  readonly end: number;
  readonly batchSize: number;
  readonly limit: number;
}

export interface CutRange extends PlannedRange {
  readonly data: CsvSlice;
  /** Number of the line after the range. */
  readonly nextLine: number;
}

/** The ranges, and how far the file was read where it ended before the limit was reached. */
export interface CutRanges {
  readonly ranges: readonly CutRange[];
  readonly endedAt: number | null;
}

/** Cuts a file into ranges of `batchSize` records while it is read: a chunk at a time is in memory. */
export async function cutRanges(request: CutRequest): Promise<CutRanges> {
  const { content, format, end, batchSize, limit } = request;
  const scanner = new RecordScanner(request.begin, request.line, format.delimiter.charCodeAt(0));
  const cutter = new RangeCutter(request);
  for await (const chunk of content.chunks(request.begin, end)) {
    const offset = scanner.offset;
    let taken = 0;
    for (const record of scanner.scan(chunk)) {
      assertRecordLength(format, record.line, record.end - record.begin);
      cutter.addRecord(chunk.subarray(taken, record.end - offset), record.end, record.nextLine);
      taken = record.end - offset;
      if (cutter.rows === batchSize && cutter.cut() === limit) {
        return { ranges: cutter.ranges, endedAt: null };
      }
    }
    cutter.addPart(chunk.subarray(taken));
    assertRecordLength(format, scanner.pendingLine, scanner.pending);
  }
  for (const record of scanner.finish()) {
    cutter.addRecord(new Uint8Array(), record.end, record.nextLine);
  }
  if (cutter.rows > 0) {
    cutter.cut();
  }
  return { ranges: cutter.ranges, endedAt: scanner.offset };
}

/** The range that is being cut. */
class RangeCutter {
  readonly ranges: CutRange[] = [];
  rows = 0;
  private hash: ContentHash;
  /** The hash up to the last record, where bytes after it have been added. */
  private atRecord: ContentHash | null = null;
  private begin: number;
  private line: number;
  private end = 0;
  private nextLine = 0;

  constructor(private readonly request: CutRequest) {
    ({ begin: this.begin, line: this.line } = request);
    this.hash = ContentHash.of(request.header);
  }

  /** @param bytes the rest of the record, after the parts that were added */
  addRecord(bytes: Uint8Array, end: number, nextLine: number): void {
    this.hash.add(bytes);
    this.atRecord = null;
    this.rows++;
    this.end = end;
    this.nextLine = nextLine;
  }

  /** Adds bytes after the last record, which may be a part of the next one, or empty lines. */
  addPart(bytes: Uint8Array): void {
    if (bytes.length > 0) {
      this.atRecord ??= this.hash.copy();
      this.hash.add(bytes);
    }
  }

  /** Ends the range after its last record; returns the number of ranges. */
  cut(): number {
    const hash = (this.atRecord ?? this.hash).digest();
    const data = { line: this.line, begin: this.begin, end: this.end, hash };
    this.ranges.push({ data, rows: this.rows, nextLine: this.nextLine });
    this.rows = 0;
    this.begin = this.end;
    this.line = this.nextLine;
    this.hash = ContentHash.of(this.request.header);
    this.atRecord = null;
    return this.ranges.length;
  }
}
