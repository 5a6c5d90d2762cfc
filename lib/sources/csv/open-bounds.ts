import type { OpenRequest, RowTotal } from '../backfill-source.js';
import { ContentProblem } from './content.problem.js';
import type { CsvContent } from './csv-content.js';
import type { CsvFormat } from './csv-format.js';
import type { CsvHeader } from './csv-header.js';
import { scanRecords } from './scan-records.js';

/** A `type`, because an interface is not assignable to `JsonValue`. */
export type CsvBounds = {
  readonly begin: number;
  /** Number of the line at `begin`. */
  readonly line: number;
  readonly end: number;
  /** Identifies the bytes before `end`. */
  readonly version: string;
};

/** Number of records from which the total of a long file is extrapolated. */
const SAMPLED_RECORDS = 1_000;

export interface OpenedBounds {
  readonly bounds: CsvBounds | null;
  readonly total: RowTotal;
}

type RefuseBound = (field: 'from' | 'to', expected: string, received: unknown) => Error;

/**
 * Takes the bounds of a run. `from` and `to` are numbers of lines; all records are read that are before `from` or `to`.
 *
 * @throws ContentProblem where the file gets shorter meanwhile, and what `refuse` returns for an invalid bound
 */
export async function openBounds(
  content: CsvContent,
  format: CsvFormat,
  { header, size }: { readonly header: CsvHeader; readonly size: number },
  request: OpenRequest,
  refuse: RefuseBound,
): Promise<OpenedBounds> {
  const from = parseLine('from', request.from, refuse) ?? 1;
  const to = parseLine('to', request.to, refuse) ?? Infinity;
  if (from > to) {
    throw refuse('from', `a line up to "to" (${to})`, from);
  }
  const sampled = content.sequential || to !== Infinity ? Infinity : SAMPLED_RECORDS;
  let first: { begin: number; line: number } | undefined;
  let end = size;
  let sampledTo = 0;
  let rows = 0;
  for await (const record of scanRecords(content, format, { ...header, end: size })) {
    if (record.line > to) {
      end = record.begin;
      break;
    }
    if (record.line < from) {
      continue;
    }
    first ??= record;
    sampledTo = record.end;
    if (++rows === sampled) {
      break;
    }
  }
  if (!first) {
    return { bounds: null, total: { rows: 0, exact: true } };
  }
  const version = await content.version(end);
  if (version === null) {
    const remedy = 'Start the run once the file is complete.';
    throw new ContentProblem('content', `${end} bytes, as a moment before`, 'fewer', remedy);
  }
  const bounds = { begin: first.begin, line: first.line, end, version };
  return { bounds, total: totalOf(rows, bounds, sampledTo, rows === sampled) };
}

function totalOf(rows: number, { begin, end }: CsvBounds, sampledTo: number, estimated: boolean): RowTotal {
  return estimated && sampledTo < end
    ? { rows: Math.round((rows * (end - begin)) / (sampledTo - begin)), exact: false }
    : { rows, exact: true };
}

function parseLine(field: 'from' | 'to', value: unknown, refuse: RefuseBound): number | undefined {
  const line = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (line === undefined) {
    return undefined;
  }
  if (typeof line !== 'number' || !Number.isSafeInteger(line) || line < 1) {
    throw refuse(field, 'the number of a line from 1', value);
  }
  return line;
}
