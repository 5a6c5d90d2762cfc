import type { EntityMetadata } from '@mikro-orm/core';
import type { SourceContext } from '../backfill-source.js';
import { findKeyProperty } from '../keys/key-property.js';
import type { SortColumn } from '../keys/key-reader.js';
import type { SortDirection } from '../keys/sort-key.js';
import type { SourceScope } from '../source-scope.js';
import { asSqlManager } from '../sql/sql-manager.js';

/**
 * The integer column of an id range: `key`, or by default the primary key.
 *
 * @throws BackfillSourceError if the entity has no such column.
 * @internal
 */
export function resolveIdColumn(
  scope: SourceScope,
  context: SourceContext,
  meta: EntityMetadata,
  key: string | undefined,
  direction: SortDirection,
): SortColumn {
  const [primary, ...others]: readonly string[] = meta.primaryKeys;
  if (key === undefined && (primary === undefined || others.length > 0)) {
    throw scope.error(context, {
      field: 'key',
      expected: 'a primary key of one column, or the name of an integer property',
      received: primary === undefined ? 'no primary key' : `the composite key ${meta.primaryKeys.join(', ')}`,
      remedy: 'Name an integer property: { key: … }, or use keyset(), which supports composite keys.',
    });
  }
  const path = key ?? primary ?? '';
  const lookup = findKeyProperty(meta, path);
  const expected = 'an integer property';
  const field = `key ${path}`;
  if (!lookup.supported) throw scope.error(context, { field, expected, ...lookup.reason });
  const { property } = lookup;
  if (!property.integer) {
    throw scope.error(context, {
      field,
      expected,
      received: `a property of type ${property.type}`,
      remedy: `Use keyset(), which supports other types: keyset(…, { orderBy: { ${path}: '${direction}' } }).`,
    });
  }
  if (property.type !== 'number' && !asSqlManager(context.em)) {
    throw scope.error(context, {
      field,
      expected: 'a property of type number, because a document database does not compare others by value',
      received: `an integer that is mapped as a ${property.type}`,
      remedy: `Map the property as a number, or use keyset(…, { orderBy: { ${path}: '${direction}' } }).`,
    });
  }
  if (property.nullable && !scope.excludesNull(path)) {
    throw scope.error(context, {
      field,
      expected: 'a column without nulls, because no range of ids contains null',
      received: 'a nullable column',
      remedy: `Use another key, or exclude the nulls: where: { ${path}: { $ne: null } }.`,
    });
  }
  return { ...property, direction };
}
