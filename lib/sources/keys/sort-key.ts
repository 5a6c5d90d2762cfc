import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';

/** Direction of a sort key, and of a whole `idRange`. */
export type SortDirection = 'asc' | 'desc';

/** One sort key of an order. */
export interface SortKey {
  /** Path of the entity property; `address.city` for a property of an embeddable. */
  readonly path: string;
  readonly direction: SortDirection;
}

/** An entry of `orderBy` that is not a valid sort key. */
export interface InvalidSortKey {
  readonly path: string;
  readonly received: unknown;
}

/**
 * Flattens MikroORM's `orderBy` (objects, nested objects for embeddables, and lists of both) into sort keys.
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
 * The properties of the primary key that must be appended to make an order total; empty if it already
 * contains a unique key. With a partial order, rows that tie with the last row of a batch would be skipped.
 *
 * @internal
 */
export function missingTieBreakers(meta: EntityMetadata, sortKeys: readonly SortKey[]): string[] {
  const has = (name: string) => sortKeys.some(({ path }) => path === name);
  const unique = (names: readonly string[]) => names.length > 0 && names.every(has);
  if (unique(meta.primaryKeys) || uniqueKeys(meta).some(unique)) return [];
  return meta.primaryKeys.filter((name) => !has(name));
}

/** Unique keys of the entity, without nullable ones, because several rows may be null, and those of some rows only. */
function uniqueKeys(meta: EntityMetadata): string[][] {
  const properties = meta.properties as Record<string, EntityProperty | undefined>;
  const single = Object.values(properties).flatMap((property) => (property?.unique ? [[property.name]] : []));
  const composite = meta.uniques
    .filter(coversAllRows)
    .flatMap(({ properties: names }) => (names === undefined ? [] : [[names].flat().map(String)]));
  return [...single, ...composite].filter((names) =>
    names.every((name) => properties[name]?.nullable !== true),
  );
}

/** An `expression` is any SQL, and `options` may hold a filter of MongoDB: both may leave rows out, as `where` does. */
function coversAllRows({ where, expression, options, disabled }: EntityMetadata['uniques'][number]): boolean {
  const hasOptions = options !== undefined && Object.keys(options).length > 0;
  return where === undefined && expression === undefined && !hasOptions && disabled !== true;
}

/** The order as text, such as `createdAt desc, id desc`. */
export function describeOrder(sortKeys: readonly SortKey[]): string {
  return sortKeys.map(({ path, direction }) => `${path} ${direction}`).join(', ');
}

function parseDirection(value: unknown): SortDirection | undefined {
  if (value === 1 || value === -1) return value === 1 ? 'asc' : 'desc';
  const text = typeof value === 'string' ? value.toLowerCase() : undefined;
  return text === 'asc' || text === 'desc' ? text : undefined;
}
