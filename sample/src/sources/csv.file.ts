import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { csvFields } from './csv-fields.js';

const NEW_LINE = 0x0a;
const QUOTE = 0x22;
const CHUNK_BYTES = 64 * 1024;

/** Reads parts of a CSV file by byte offset. `end` is always exclusive. */
export class CsvFile {
  constructor(private readonly path: string) {}

  async size(): Promise<number> {
    return (await stat(this.path)).size;
  }

  /** The field names in the first record, and the offset at which that record ends. */
  async header(): Promise<{ names: string[]; end: number }> {
    const end = (await this.recordEnd(0, await this.size())) ?? 0;
    return { names: csvFields(await this.text(0, end)), end };
  }

  async text(begin: number, end: number): Promise<string> {
    return (await this.bytes(begin, end)).toString('utf8');
  }

  async bytes(begin: number, end: number): Promise<Buffer> {
    const file = await open(this.path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** Offset of the end of the record that begins at `begin`; `undefined` if there is none. */
  async recordEnd(begin: number, end: number): Promise<number | undefined> {
    for await (const first of this.recordEnds(begin, end)) {
      return first;
    }
    return undefined;
  }

  /**
   * Yields the offset at which each record ends. Quoted line breaks do not end a record; a last record without
   * a line break ends at `end`. Streams the file, so that one chunk at a time is in memory.
   */
  async *recordEnds(begin: number, end: number): AsyncGenerator<number> {
    if (begin >= end) {
      return;
    }
    let quoted = false;
    let offset = begin;
    let last = begin;
    const chunks = createReadStream(this.path, { start: begin, end: end - 1, highWaterMark: CHUNK_BYTES });
    for await (const chunk of chunks) {
      for (const byte of chunk as Buffer) {
        offset++;
        if (byte === QUOTE) {
          // An escaped quote is two quotes, which toggle the state twice.
          quoted = !quoted;
        } else if (byte === NEW_LINE && !quoted) {
          last = offset;
          yield offset;
        }
      }
    }
    if (last < offset) {
      yield offset;
    }
  }
}
