import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { expectedKeyValue, parseKeyValue } from '../keys/key-value.js';
import type { KeyReader, SortColumn } from '../keys/key-reader.js';
import type { KeyBound } from '../keys/key-interval.js';
import type { SourceScope } from '../source-scope.js';

/** The columns of a walk, and what reads them. */
export interface BoundColumns {
  readonly columns: readonly SortColumn[];
  readonly reader: KeyReader;
}

/**
 * Reads `from` or `to` of a start: an object with all the keys of the order, or the first few of them.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_BOUNDS`.
 * @internal
 */
export function parseBound(
  scope: SourceScope,
  context: SourceContext,
  { columns, reader }: BoundColumns,
  field: 'from' | 'to',
  bound: unknown,
): KeyBound | undefined {
  if (bound === undefined || bound === null) return undefined;
  const order = columns.map(({ path }) => path).join(', ');
  const fail = (at: string, expected: string, received: string) =>
    scope.error(context, {
      code: 'BACKFILL_SOURCE_BOUNDS',
      field: at,
      expected,
      received,
      remedy: `Give all the keys of the order (${order}), or the first few of them.`,
    });
  if (typeof bound !== 'object' || Array.isArray(bound) || bound instanceof Date) {
    throw fail(field, 'an object of keys', describeValue(bound));
  }
  const given = flatten(bound, '', new Set(columns.map(({ path }) => path)));
  const values: unknown[] = [];
  for (const column of columns) {
    if (!given.has(column.path)) break;
    const value = parseKeyValue(column, given.get(column.path));
    if (value === undefined) {
      throw fail(`${field}.${column.path}`, expectedKeyValue(column), describeValue(given.get(column.path)));
    }
    values.push(reader.normalize ? reader.normalize(context, column, value) : value);
  }
  const known = new Set(columns.slice(0, values.length).map(({ path }) => path));
  const stray = [...given.keys()].find((path) => !known.has(path));
  if (stray !== undefined)
    throw fail(`${field}.${stray}`, 'the keys of the order, without a gap', 'another key');
  if (values.length === 0) throw fail(field, 'at least the first key of the order', 'none');
  return { values, inclusive: true };
}

function flatten(bound: object, prefix: string, paths: ReadonlySet<string>): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(bound) as Array<[string, unknown]>) {
    const path = prefix + name;
    const isGroup = !paths.has(path) && [...paths].some((known) => known.startsWith(`${path}.`));
    if (isGroup && typeof value === 'object' && value !== null) {
      for (const [inner, held] of flatten(value, `${path}.`, paths)) flat.set(inner, held);
    } else {
      flat.set(path, value);
    }
  }
  return flat;
}
