import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { expectedKeyValue, parseKeyValue } from '../keys/key-value.js';
import type { KeyReader, SortColumn } from '../keys/key-reader.js';
import type { KeyBound } from '../keys/key-interval.js';
import type { SourceScope } from '../source-scope.js';

/** The sort columns that a bound has values for, and the reader that normalizes these. */
export interface BoundColumns {
  readonly columns: readonly SortColumn[];
  readonly reader: KeyReader;
}

/**
 * Parses `from` or `to`: an object with all sort keys, or a leading prefix of them.
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
      remedy: `Pass all sort keys (${order}), or the first few of them.`,
    });
  if (typeof bound !== 'object' || Array.isArray(bound) || bound instanceof Date) {
    throw fail(field, 'an object of sort keys', describeValue(bound));
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
  const used = new Set(columns.slice(0, values.length).map(({ path }) => path));
  const unused = [...given.keys()].find((path) => !used.has(path));
  if (unused !== undefined) {
    throw fail(`${field}.${unused}`, 'the sort keys without a gap', 'another key');
  }
  if (values.length === 0) throw fail(field, 'at least the first sort key', 'none');
  return { values, inclusive: true };
}

/** The values of a nested object by path; only objects above one of the `paths` are descended into. */
function flatten(bound: object, prefix: string, paths: ReadonlySet<string>): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(bound) as Array<[string, unknown]>) {
    const path = prefix + name;
    const isEmbeddable = !paths.has(path) && [...paths].some((known) => known.startsWith(`${path}.`));
    if (isEmbeddable && typeof value === 'object' && value !== null) {
      for (const [inner, nested] of flatten(value, `${path}.`, paths)) flat.set(inner, nested);
    } else {
      flat.set(path, value);
    }
  }
  return flat;
}
