import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { expectedKeyValue, parseKeyValue } from '../keys/key-value.js';
import type { KeyReader, WalkColumn } from '../keys/key-reader.js';
import type { KeyBound } from '../keys/key-interval.js';
import type { SourceScope } from '../source-scope.js';

/** The columns of a walk, and what reads them. */
export interface PlaceWalk {
  readonly columns: readonly WalkColumn[];
  readonly reader: KeyReader;
}

/**
 * Reads `from` or `to` of a start: an object with all the keys of the order, or the first few of them.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_BOUNDS`.
 * @internal
 */
export function parsePlace(
  scope: SourceScope,
  context: SourceContext,
  { columns, reader }: PlaceWalk,
  field: 'from' | 'to',
  place: unknown,
): KeyBound | undefined {
  if (place === undefined || place === null) return undefined;
  const order = columns.map(({ path }) => path).join(', ');
  const fail = (at: string, expected: string, received: string) =>
    scope.error(context, {
      code: 'BACKFILL_SOURCE_BOUNDS',
      field: at,
      expected,
      received,
      remedy: `Give all the keys of the order (${order}), or the first few of them.`,
    });
  if (typeof place !== 'object' || Array.isArray(place) || place instanceof Date) {
    throw fail(field, 'an object of keys', describeValue(place));
  }
  const given = flatten(place, '', new Set(columns.map(({ path }) => path)));
  const values: unknown[] = [];
  for (const column of columns) {
    if (!given.has(column.path)) break;
    const value = parseKeyValue(column, given.get(column.path));
    if (value === undefined) {
      throw fail(`${field}.${column.path}`, expectedKeyValue(column), describeValue(given.get(column.path)));
    }
    values.push(reader.adopt ? reader.adopt(context, column, value) : value);
  }
  const known = new Set(columns.slice(0, values.length).map(({ path }) => path));
  const stray = [...given.keys()].find((path) => !known.has(path));
  if (stray !== undefined)
    throw fail(`${field}.${stray}`, 'the keys of the order, without a gap', 'another key');
  if (values.length === 0) throw fail(field, 'at least the first key of the order', 'none');
  return { values, inclusive: true };
}

function flatten(place: object, prefix: string, paths: ReadonlySet<string>): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(place) as Array<[string, unknown]>) {
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
