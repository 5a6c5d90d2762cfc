/** A MikroORM filter as it is put together, before it is given the entity's type. */
export type PlainFilter = Readonly<Record<string, unknown>>;

/** `address.city` as the nested object that MikroORM takes. */
export function nestedFilter(path: string, value: unknown): PlainFilter {
  const [head = '', ...rest] = path.split('.');
  return { [head]: rest.length === 0 ? value : nestedFilter(rest.join('.'), value) };
}

/** Joins two nested objects whose leaves differ. */
export function mergeFilters(left: PlainFilter, right: PlainFilter): PlainFilter {
  const joined: Record<string, unknown> = { ...left };
  for (const [name, value] of Object.entries(right)) {
    const there = joined[name];
    joined[name] = there === undefined ? value : mergeFilters(there as PlainFilter, value as PlainFilter);
  }
  return joined;
}

export function isEmptyFilter(filter: unknown): boolean {
  return filter === undefined || (isPlainObject(filter) && Reflect.ownKeys(filter).length === 0);
}

/** Copies objects and lists; values such as dates, entities and raw SQL stay themselves. */
export function copyFilter(filter: unknown): unknown {
  if (Array.isArray(filter)) return filter.map(copyFilter);
  if (!isPlainObject(filter)) return filter;
  // Raw SQL stands as a symbol for a key.
  return Object.fromEntries(
    Reflect.ownKeys(filter).map((key) => [key, copyFilter(Reflect.get(filter, key))]),
  );
}

/**
 * Whether a filter leaves out rows whose property is null: `{ $ne: null }` on it, at the top or in `$and`.
 *
 * @internal
 */
export function excludesNull(filter: unknown, path: string): boolean {
  if (Array.isArray(filter)) return filter.some((part) => excludesNull(part, path));
  if (typeof filter !== 'object' || filter === null) return false;
  const { $and: all, ...own } = filter as Record<string, unknown>;
  if (all !== undefined && excludesNull(all, path)) return true;
  let condition: unknown = own;
  for (const name of path.split('.')) {
    if (typeof condition !== 'object' || condition === null) return false;
    condition = (condition as Record<string, unknown>)[name];
  }
  return typeof condition === 'object' && condition !== null && '$ne' in condition && condition.$ne === null;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
