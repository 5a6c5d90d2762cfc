import type { EntityMetadata } from '@mikro-orm/core';
import type { SourceContext } from '../backfill-source.js';
import { excludesNull } from '../plain-filter.js';
import { findKeyProperty } from '../keys/key-property.js';
import type { SortColumn } from '../keys/key-reader.js';
import type { SortDirection } from '../keys/sort-key.js';
import type { SourceScope } from '../source-scope.js';
import { asSqlManager } from '../sql/sql-manager.js';

/**
 * The integer column that an id range walks.
 *
 * @throws BackfillSourceError when the entity has no such column.
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
      remedy: 'Name the property: { key: … }, or use keyset(), which walks composite keys.',
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
      received: `one of ${property.type} values`,
      remedy: `Use keyset(), which walks any order: keyset(…, { orderBy: { ${path}: '${direction}' } }).`,
    });
  }
  if (property.type !== 'number' && !asSqlManager(context.em)) {
    throw scope.error(context, {
      field,
      expected: 'numbers, as a document database orders no others by their value',
      received: `integers that are mapped as a ${property.type}`,
      remedy: `Map the property as a number, or use keyset(…, { orderBy: { ${path}: '${direction}' } }).`,
    });
  }
  const filtered = scope.partitions.every((partition) => excludesNull(scope.appFilters(partition), path));
  if (property.nullable && !filtered) {
    throw scope.error(context, {
      field,
      expected: 'a column without nulls, which no range of ids reaches',
      received: 'a nullable one',
      remedy: `Name another key, or leave the nulls out: where: { ${path}: { $ne: null } }.`,
    });
  }
  return { ...property, direction };
}
