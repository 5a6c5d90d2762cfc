import { ContentProblem } from './content.problem.js';
import type { CsvContent } from './csv-content.js';
import type { CsvFormat } from './csv-format.js';
import { RecordScanner, type RecordPosition } from './record-scanner.js';

/** The records from a byte offset on, at which line `line` begins. */
export async function* scanRecords(
  content: CsvContent,
  format: CsvFormat,
  { begin, line, end }: { readonly begin: number; readonly line: number; readonly end: number },
): AsyncGenerator<RecordPosition, void> {
  const scanner = new RecordScanner(begin, line, format.delimiter.charCodeAt(0));
  for await (const chunk of content.chunks(begin, end)) {
    yield* scanner.scan(chunk);
    assertRecordLength(format, scanner.pendingLine, scanner.pending);
  }
  yield* scanner.finish();
}

/** The records in bytes that were read. */
export function recordsIn(
  bytes: Uint8Array,
  { delimiter }: CsvFormat,
  { begin, line }: { readonly begin: number; readonly line: number },
): RecordPosition[] {
  const scanner = new RecordScanner(begin, line, delimiter.charCodeAt(0));
  return [...scanner.scan(bytes), ...scanner.finish()];
}

/**
 * A quote that is not closed makes the rest of the file one record, which must not be read into memory.
 *
 * @throws ContentProblem
 */
export function assertRecordLength({ maxRecordBytes }: CsvFormat, line: number, bytes: number): void {
  if (bytes > maxRecordBytes) {
    throw new ContentProblem(
      `line ${line}`,
      `a record of at most ${maxRecordBytes} bytes (maxRecordBytes)`,
      'a longer one',
      'Raise maxRecordBytes, then start the run, or resume the one that is paused; or close a quote in it that is not ' +
        'closed, then start a run.',
    );
  }
}
