const NEW_LINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;

/** Where the scanner is; `closed` is after a quote in a quoted field, which ends it unless another quote follows. */
type Place = 'start' | 'plain' | 'quoted' | 'closed';

/** Where a record is in its file. */
export interface RecordPosition {
  /** Byte offset of the first byte. */
  readonly begin: number;
  /** Byte offset after the last byte, its line break included. */
  readonly end: number;
  /** Number of its first line, from 1. */
  readonly line: number;
  /** Number of the line that follows. */
  readonly nextLine: number;
}

/**
 * Finds the records in the bytes of a CSV file, chunk by chunk. Line breaks in quoted fields do not end a record, and
 * quotes within an unquoted field quote nothing, so that a malformed record does not hide those after it. Empty lines
 * are no records. UTF-8 needs no decoding here: its further bytes are above all that is looked for.
 */
export class RecordScanner {
  private place: Place = 'start';
  private begin: number;
  private beginLine: number;
  private last = 0;

  /**
   * @param offset byte offset of the first byte that is scanned, where a record begins
   * @param line number of the line there
   * @param delimiter byte between two fields
   */
  constructor(
    public offset: number,
    private line: number,
    private readonly delimiter: number,
  ) {
    this.begin = offset;
    this.beginLine = line;
  }

  /** Bytes of the record that has not ended. */
  get pending(): number {
    return this.offset - this.begin;
  }

  /** Line at which the record that has not ended began. */
  get pendingLine(): number {
    return this.beginLine;
  }

  *scan(chunk: Uint8Array): Generator<RecordPosition, void> {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte === NEW_LINE) {
        this.line++;
        if (this.place !== 'quoted') {
          yield* this.endRecord(this.offset + i, this.offset + i + 1);
        }
      } else if (byte === QUOTE) {
        this.place = afterQuote(this.place);
      } else if (byte === this.delimiter) {
        this.place = this.place === 'quoted' ? 'quoted' : 'start';
      } else if (this.place !== 'quoted') {
        this.place = 'plain';
      }
      this.last = byte;
    }
    this.offset += chunk.length;
  }

  /** The last record, which needs no line break. */
  *finish(): Generator<RecordPosition, void> {
    yield* this.endRecord(this.offset, this.offset);
  }

  private *endRecord(contentEnd: number, end: number): Generator<RecordPosition, void> {
    const { begin, beginLine: line } = this;
    const length = contentEnd - begin;
    const empty = length === 0 || (length === 1 && this.last === CARRIAGE_RETURN);
    this.begin = end;
    this.beginLine = this.line;
    this.place = 'start';
    if (!empty) {
      yield { begin, end, line, nextLine: this.line };
    }
  }
}

function afterQuote(place: Place): Place {
  switch (place) {
    case 'start':
    case 'closed':
      return 'quoted';
    case 'quoted':
      return 'closed';
    default:
      return place;
  }
}
