import { types } from 'node:util';
import { describeValue } from '../../errors/describe-value.js';
import { ContentHash } from '../content-hash.js';
import { ContentProblem } from './content.problem.js';
import type { ByteInterval, CsvContent } from './csv-content.js';

/**
 * A stream of bytes from the beginning of a CSV file: one of Node, the body of a response, or an async generator.
 *
 * @publicApi
 */
export type CsvStream = AsyncIterable<Uint8Array | string>;

const STREAM_REMEDY = 'Create the stream in the function that csvFile is given.';

/** A file that can only be read from its beginning: each part costs a stream, which is destroyed after that part. */
export class StreamContent implements CsvContent {
  readonly name = 'the stream of a CSV file';
  readonly sequential = true;
  private readonly opened = new WeakSet<object>();

  constructor(private readonly open: () => CsvStream | Promise<CsvStream>) {}

  async size(): Promise<number> {
    let size = 0;
    for await (const chunk of this.chunks(0)) {
      size += chunk.length;
    }
    return size;
  }

  async version(end: number): Promise<string | null> {
    const hash = ContentHash.of();
    let size = 0;
    for await (const chunk of this.chunks(0, end)) {
      hash.add(chunk);
      size += chunk.length;
    }
    return size === end ? hash.digest() : null;
  }

  async *chunks(begin: number, end = Infinity): AsyncIterable<Uint8Array> {
    if (begin >= end) {
      return;
    }
    let offset = 0;
    for await (const chunk of bytesOf(await this.openNew())) {
      const wanted = chunk.subarray(Math.max(0, begin - offset), Math.max(0, end - offset));
      if (wanted.length > 0) {
        yield wanted;
      }
      offset += chunk.length;
      if (offset >= end) {
        return;
      }
    }
  }

  /** In one pass, whatever their number and order. */
  async pieces(intervals: readonly ByteInterval[]): Promise<Uint8Array[]> {
    const parts: Uint8Array[][] = intervals.map(() => []);
    const last = intervals.reduce((latest, { end }) => Math.max(latest, end), 0);
    let offset = 0;
    for await (const chunk of this.chunks(0, last)) {
      for (const [i, { begin, end }] of intervals.entries()) {
        if (begin < offset + chunk.length && end > offset) {
          parts[i]?.push(chunk.subarray(Math.max(0, begin - offset), end - offset));
        }
      }
      offset += chunk.length;
    }
    return parts.map((part) => Buffer.concat(part));
  }

  private async openNew(): Promise<AsyncIterable<unknown>> {
    const open: unknown = this.open;
    if (typeof open !== 'function') {
      const expected = 'a path, or a function that returns a stream';
      throw new ContentProblem('file', expected, describeValue(open), 'Correct the argument of csvFile.');
    }
    const stream: unknown = await this.open();
    if (typeof stream !== 'object' || stream === null || !(Symbol.asyncIterator in stream)) {
      throw new ContentProblem('stream', 'a stream of the function', describeValue(stream), STREAM_REMEDY);
    }
    if (this.opened.has(stream)) {
      throw new ContentProblem('stream', 'a new stream each time', 'the same one twice', STREAM_REMEDY);
    }
    this.opened.add(stream);
    return stream as AsyncIterable<unknown>;
  }
}

/** The bytes of a stream. A text may end within a character (a surrogate pair), which can only be encoded whole. */
async function* bytesOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void> {
  let held = '';
  for await (const part of stream) {
    if (typeof part === 'string') {
      const text = held + part;
      const whole = endsWithinPair(text) ? text.length - 1 : text.length;
      held = text.slice(whole);
      yield Buffer.from(text.slice(0, whole));
    } else if (types.isUint8Array(part)) {
      yield held === '' ? part : Buffer.concat([Buffer.from(held), part]);
      held = '';
    } else {
      const remedy = 'Return a stream of bytes or text, not one of objects.';
      throw new ContentProblem('stream', 'bytes or text', describeValue(part), remedy);
    }
  }
  yield Buffer.from(held);
}

/** Whether the last code unit is the first one of a surrogate pair. */
function endsWithinPair(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}
