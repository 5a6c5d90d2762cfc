import { helper, ReferenceKind, Utils } from '@mikro-orm/core';
import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import type { PlainFilter } from '../plain-filter.js';
import type { SourceScope } from '../source-scope.js';
import { identityProperties, isConverted, mayBeInexact, unsuitableIdentity } from './identity-property.js';

/** Reads, each with its checks: rows may be inserted or deleted in between. */
const READS = 3;

/**
 * Ensures that MikroORM can tell the entity's rows apart, and update them, by their primary key. Otherwise flushing
 * would change no row, or another one, without an error.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_INVALID`.
 * @internal
 */
export function checkRowIdentity(scope: SourceScope, context: SourceContext): void {
  for (const part of identityProperties(scope.metadata(context))) {
    const reason = unsuitableIdentity(context.em, part);
    if (reason) {
      const expected =
        'a primary key that JavaScript holds exactly, because batch and row handlers get entities';
      throw scope.error(context, { field: part.path, expected, ...reason });
    }
  }
}

/**
 * Loads the rows that match a filter.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_KEY` if the primary key of an entity is not that of its row.
 * @internal
 */
export async function loadRows(
  scope: SourceScope,
  context: SourceContext,
  filter: PlainFilter,
  options: object,
): Promise<object[]> {
  const parts = identityProperties(scope.metadata(context));
  const converted = parts.find(isConverted);
  const inexact = parts.some(mayBeInexact);
  for (let read = 1; ; read++) {
    const rows = await scope.load(context, filter, options);
    if (inexact) checkKeys(scope, context, rows);
    if (!converted || rows.length === 0 || (await areIdentified(scope, context, filter, rows))) return rows;
    if (read === READS) {
      throw scope.error(context, {
        code: 'BACKFILL_SOURCE_KEY',
        field: converted.path,
        expected: 'a primary key that selects its own row',
        received: `keys of ${converted.property.type} that select other rows, or several`,
        remedy: 'Its type loses a part of the value: use one that keeps all of it, or a range handler.',
      });
    }
  }
}

/** Whether each row is an entity of its own, whose key selects a row. */
async function areIdentified(
  scope: SourceScope,
  context: SourceContext,
  filter: PlainFilter,
  rows: readonly object[],
): Promise<boolean> {
  const names: readonly string[] = scope.metadata(context).primaryKeys;
  const keys = rows.map((row) =>
    Object.fromEntries(names.map((name) => [name, Reflect.get(row, name) as unknown])),
  );
  const [selected, matching] = [
    await scope.count(context, { $and: [filter, { $or: keys }] }),
    await scope.count(context, filter),
  ];
  return selected === rows.length && matching === rows.length;
}

function checkKeys(scope: SourceScope, context: SourceContext, rows: readonly object[]): void {
  const [property, ...others] = scope.metadata(context).getPrimaryProps();
  // Without what MikroORM does for the parts of a key, which is much for each row.
  const plain = others.length === 0 && property?.kind === ReferenceKind.SCALAR ? property.name : undefined;
  for (const row of rows) {
    const value: unknown =
      plain === undefined
        ? (helper(row).getPrimaryKeys() ?? []).find(isInexact)
        : inexactOf(Reflect.get(row, plain));
    if (value === undefined) continue;
    throw scope.error(context, {
      code: 'BACKFILL_SOURCE_KEY',
      field: scope.metadata(context).primaryKeys.join(', '),
      expected: 'a primary key that JavaScript holds exactly',
      received: typeof value === 'number' ? `about ${value}` : describeValue(value),
      remedy: 'Map the property as a bigint or a string.',
    });
  }
}

function inexactOf(value: unknown): unknown {
  return isInexact(value) ? value : undefined;
}

function isInexact(value: unknown): boolean {
  if (typeof value === 'number') return !(Math.abs(value) <= Number.MAX_SAFE_INTEGER);
  return value instanceof Date || Utils.isPlainObject(value);
}
