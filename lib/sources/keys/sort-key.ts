import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';

/**
 * Which way one column of a walk goes.
 *
 * @publicApi
 */
export type SortDirection = 'asc' | 'desc';

/** One column of an order, by the path of its entity property. */
export interface SortKey {
  readonly path: string;
  readonly direction: SortDirection;
}

/** What is wrong with one entry of an order. */
export interface InvalidSortKey {
  readonly path: string;
  readonly received: unknown;
}

/**
 * Flattens MikroORM's `orderBy` into columns: an object, nested objects for embeddables, or a list of both.
 *
 * @internal
 */
export function parseOrderBy(orderBy: unknown): { sortKeys: SortKey[]; invalid: InvalidSortKey[] } {
  const sortKeys: SortKey[] = [];
  const invalid: InvalidSortKey[] = [];
  const visit = (value: unknown, prefix: string): void => {
    for (const [name, entry] of Object.entries(value ?? {})) {
      const path = prefix + name;
      const direction = parseDirection(entry);
      if (direction && !sortKeys.some((sortKey) => sortKey.path === path)) sortKeys.push({ path, direction });
      else if (typeof entry === 'object' && entry !== null) visit(entry, `${path}.`);
      else invalid.push({ path, received: entry });
    }
  };
  for (const part of Array.isArray(orderBy) ? (orderBy as unknown[]) : [orderBy]) visit(part, '');
  return { sortKeys, invalid };
}

/**
 * The primary key's properties that an order lacks, or none where it is unique as it stands: an order
 * that ties would lose the rows that tie with the last one of a batch.
 *
 * @internal
 */
export function missingTieBreakers(meta: EntityMetadata, sortKeys: readonly SortKey[]): string[] {
  const has = (name: string) => sortKeys.some(({ path }) => path === name);
  const unique = (names: readonly string[]) => names.length > 0 && names.every(has);
  if (unique(meta.primaryKeys) || uniqueKeys(meta).some(unique)) return [];
  return meta.primaryKeys.filter((name) => !has(name));
}

/** Keys that the entity declares as unique; nulls would not be. */
function uniqueKeys(meta: EntityMetadata): string[][] {
  const properties = meta.properties as Record<string, EntityProperty | undefined>;
  const single = Object.values(properties).flatMap((property) => (property?.unique ? [[property.name]] : []));
  const composite = meta.uniques.flatMap(({ properties: names, where }) =>
    names === undefined || where !== undefined ? [] : [[names].flat().map(String)],
  );
  return [...single, ...composite].filter((names) =>
    names.every((name) => properties[name]?.nullable !== true),
  );
}

/** An order in words, such as `createdAt desc, id desc`. */
export function describeOrder(sortKeys: readonly SortKey[]): string {
  return sortKeys.map(({ path, direction }) => `${path} ${direction}`).join(', ');
}

function parseDirection(value: unknown): SortDirection | undefined {
  if (value === 1 || value === -1) return value === 1 ? 'asc' : 'desc';
  const word = typeof value === 'string' ? value.toLowerCase() : undefined;
  return word === 'asc' || word === 'desc' ? word : undefined;
}
