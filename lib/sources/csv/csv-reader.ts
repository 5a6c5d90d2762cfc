import { BackfillSourceError, type BackfillSourceErrorCode } from '../../errors/backfill-source.error.js';
import { ContentHash } from '../content-hash.js';
import { ContentProblem } from './content.problem.js';
import type { CsvContent } from './csv-content.js';
import type { CsvFormat } from './csv-format.js';
import { readHeader, type CsvHeader } from './csv-header.js';
import type { CsvSlice } from './cut-ranges.js';

const CHANGED_REMEDY =
  'Put the file back as it was when the run was started, at the same place for all processes, then resume; or cancel ' +
  'the run and start another.';

const LINE_BREAK: ReadonlySet<number> = new Set([0x0a, 0x0d]);

/** Reads parts of a CSV file, refuses what is not as it was planned, and words the errors. */
export class CsvReader {
  /** The header that was read last. A slice whose hash does not fit it may be one of another file. */
  private header: CsvHeader | undefined;

  constructor(
    readonly content: CsvContent,
    readonly format: CsvFormat,
  ) {}

  /** Reads slices, and makes sure that they are what was planned. */
  async read(
    backfill: string,
    slices: readonly CsvSlice[],
  ): Promise<{ pieces: readonly Uint8Array[]; header: CsvHeader }> {
    const read = async () => {
      const pieces = await this.content.pieces(slices);
      const known = this.header;
      const header =
        known && changedSlice(slices, pieces, known) === undefined ? known : await this.headerNow(backfill);
      const changed = changedSlice(slices, pieces, header);
      if (changed) {
        throw this.changed(backfill, `bytes ${changed.begin} to ${changed.end}, from line ${changed.line}`);
      }
      return { pieces, header };
    };
    return this.reading(backfill, 'BACKFILL_SOURCE_CHANGED', read, 'BACKFILL_SOURCE_CHANGED');
  }

  /** Whether the last record was not whole when the run was started: more was appended to its line. */
  async goesOn(end: number): Promise<boolean> {
    const [around] = await this.content.pieces([{ begin: end - 1, end: end + 1 }]);
    return around?.length === 2 && !around.some((byte) => LINE_BREAK.has(byte));
  }

  async readHeader(): Promise<CsvHeader> {
    return (this.header = await readHeader(this.content, this.format));
  }

  /** The header of a run that is under way: one that is malformed by now has changed. */
  private async headerNow(backfill: string): Promise<CsvHeader> {
    try {
      return await this.readHeader();
    } catch (cause) {
      throw cause instanceof ContentProblem ? this.changed(backfill, 'header') : cause;
    }
  }

  /**
   * Runs a read; a file that is absent, and one that is not as expected, has an error that says so.
   *
   * @param absent code of the error of a file that is absent
   * @param invalid code of the error of one that is not as expected
   */
  async reading<T>(
    backfill: string,
    absent: BackfillSourceErrorCode,
    read: () => Promise<T>,
    invalid: BackfillSourceErrorCode = 'BACKFILL_SOURCE_INVALID',
  ): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      if (cause instanceof ContentProblem) {
        const { field, expected, received, remedy } = cause;
        throw this.error(backfill, invalid, field, expected, received, { remedy, cause });
      }
      const unreadable = messageOfUnreadable(cause);
      if (unreadable !== undefined) {
        const remedy =
          'The process that starts a run and those with workers read the file: mount it at the same place in all of them.';
        throw this.error(backfill, absent, 'path', 'a readable file', unreadable, { remedy, cause });
      }
      throw cause;
    }
  }

  changed(backfill: string, where: string): BackfillSourceError {
    const expected = 'the content that the run was started with';
    return this.error(backfill, 'BACKFILL_SOURCE_CHANGED', where, expected, 'another', {
      remedy: CHANGED_REMEDY,
    });
  }

  error(
    backfill: string,
    code: BackfillSourceErrorCode,
    field: string,
    expected: string,
    received: string,
    { remedy, cause }: { readonly remedy: string; readonly cause?: unknown },
  ): BackfillSourceError {
    const problem = { code, backfill, entity: this.content.name, field, expected, received, remedy };
    return new BackfillSourceError(problem, cause === undefined ? undefined : { cause });
  }
}

/** A slice with other bytes than it was planned with, or under another header. */
function changedSlice(
  slices: readonly CsvSlice[],
  pieces: readonly Uint8Array[],
  header: CsvHeader,
): CsvSlice | undefined {
  return slices.find(({ hash }, i) => ContentHash.of(header.hash, pieces[i] ?? '').digest() !== hash);
}

/** The message of an error of the file system that no retry resolves; `undefined` for any other error. */
function messageOfUnreadable(cause: unknown): string | undefined {
  // No `instanceof`: Jest runs modules in a realm of their own, and Node's errors are of another.
  const { code, message } = Object(cause) as Partial<NodeJS.ErrnoException>;
  return /^(ENOENT|EACCES|EISDIR|ENOTDIR)$/.test(String(code)) ? String(message) : undefined;
}
