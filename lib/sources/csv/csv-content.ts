/** Bytes of a file from `begin` to before `end`. */
export interface ByteInterval {
  readonly begin: number;
  readonly end: number;
}

/** Where a CSV file is read from. Nothing but offsets is kept, so that each process reads the same. */
export interface CsvContent {
  /** The file in error messages. */
  readonly name: string;
  /** Whether reading a part costs as much as reading all that is before it. */
  readonly sequential: boolean;

  /** The length in bytes, now. */
  size(): Promise<number>;

  /** Identifies the bytes before `end`; `null` where there are fewer. */
  version(end: number): Promise<string | null>;

  /** The bytes from `begin`, a chunk at a time; default for `end`: all. */
  chunks(begin: number, end?: number): AsyncIterable<Uint8Array>;

  /** The bytes of each interval; fewer where the file is shorter. */
  pieces(intervals: readonly ByteInterval[]): Promise<Uint8Array[]>;
}
