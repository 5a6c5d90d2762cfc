import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { csvFields } from './csv-fields.js';

const NEW_LINE = 0x0a;
const QUOTE = 0x22;
const CHUNK_BYTES = 64 * 1024;

/** Reads stretches of a CSV file by their byte offsets; `end` is exclusive everywhere. */
export class CsvFile {
  constructor(private readonly path: string) {}

  async size(): Promise<number> {
    return (await stat(this.path)).size;
  }

  /** The names in the first record, and where the first row begins. */
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

  /** The end of the record that begins there, if there is one. */
  async recordEnd(begin: number, end: number): Promise<number | undefined> {
    for await (const first of this.recordEnds(begin, end)) {
      return first;
    }
    return undefined;
  }

  /**
   * Where the records of a stretch end. A line break between quotes ends none; a last record without line
   * break ends with the stretch. Holds a chunk at a time, however long the stretch.
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
          // An escaped quote is two of them, and so changes nothing.
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
