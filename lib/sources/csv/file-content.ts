import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ContentHash } from '../content-hash.js';
import { ContentProblem } from './content.problem.js';
import type { ByteInterval, CsvContent } from './csv-content.js';

const CHUNK_BYTES = 64 * 1024;
/** A version compares this many bytes at either end: one that is inserted or removed between them moves the last ones. */
const EDGE_BYTES = 64 * 1024;

/** A file on a disk that every process with workers has. */
export class FileContent implements CsvContent {
  readonly name: string;
  readonly sequential = false;

  constructor(private readonly path: string) {
    this.name = `the CSV file ${JSON.stringify(path)}`;
  }

  async size(): Promise<number> {
    const stats = await stat(this.path);
    if (!stats.isFile()) {
      throw new ContentProblem(
        'path',
        'a regular file',
        stats.isDirectory() ? 'a directory' : 'another kind of file',
      );
    }
    return stats.size;
  }

  /** Not by the time of its last change, which copies of the file need not share, and which an append moves. */
  async version(end: number): Promise<string | null> {
    const head = { begin: 0, end: Math.min(end, EDGE_BYTES) };
    const tail = { begin: Math.max(0, end - EDGE_BYTES), end };
    const pieces = await this.pieces([head, tail]);
    const complete = [head, tail].every(({ begin, end: to }, i) => pieces[i]?.length === to - begin);
    return complete ? ContentHash.of(...pieces).digest() : null;
  }

  async *chunks(begin: number, end = Infinity): AsyncIterable<Uint8Array> {
    if (begin < end) {
      const options = { start: begin, end: end - 1, highWaterMark: CHUNK_BYTES };
      yield* createReadStream(this.path, options) as AsyncIterable<Uint8Array>;
    }
  }

  async pieces(intervals: readonly ByteInterval[]): Promise<Uint8Array[]> {
    const file = await open(this.path);
    try {
      const pieces: Uint8Array[] = [];
      for (const group of adjacent(intervals)) {
        const offset = group[0]?.begin ?? 0;
        const bytes = await readPiece(file, { begin: offset, end: group.at(-1)?.end ?? offset });
        for (const { begin, end } of group) {
          pieces.push(bytes.subarray(begin - offset, end - offset));
        }
      }
      return pieces;
    } finally {
      await file.close();
    }
  }
}

/** Groups of intervals that follow one another, as those of the rows of a range do: each group is read at once. */
function adjacent(intervals: readonly ByteInterval[]): ByteInterval[][] {
  const groups: ByteInterval[][] = [];
  for (const interval of intervals) {
    const group = groups.at(-1);
    if (group?.at(-1)?.end === interval.begin) {
      group.push(interval);
    } else {
      groups.push([interval]);
    }
  }
  return groups;
}

/** A read may return fewer bytes than it was asked for. */
async function readPiece(file: FileHandle, { begin, end }: ByteInterval): Promise<Uint8Array> {
  const buffer = Buffer.alloc(end - begin);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, begin + filled);
    if (bytesRead === 0) {
      break;
    }
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
