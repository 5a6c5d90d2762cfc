/** A MikroORM filter without the entity's type, for entities that are known only at run time. */
export type PlainFilter = Readonly<Record<string, unknown>>;

/** The filter `{ address: { city: value } }` for the path `address.city`. */
export function nestedFilter(path: string, value: unknown): PlainFilter {
  const [head = '', ...rest] = path.split('.');
  return { [head]: rest.length === 0 ? value : nestedFilter(rest.join('.'), value) };
}

/** Deep merge of two filters that have no leaf in common. */
export function mergeFilters(left: PlainFilter, right: PlainFilter): PlainFilter {
  const merged: Record<string, unknown> = { ...left };
  for (const [name, value] of Object.entries(right)) {
    const existing = merged[name];
    merged[name] =
      existing === undefined ? value : mergeFilters(existing as PlainFilter, value as PlainFilter);
  }
  return merged;
}

/** Whether a filter has no condition. */
export function isEmptyFilter(filter: unknown): boolean {
  return filter === undefined || (isPlainObject(filter) && Reflect.ownKeys(filter).length === 0);
}

/** Deep copy of plain objects and arrays; dates, entities and other values are shared. */
export function copyFilter(filter: unknown): unknown {
  if (Array.isArray(filter)) return filter.map(copyFilter);
  if (!isPlainObject(filter)) return filter;
  // `Reflect.ownKeys`, because the keys of raw SQL fragments are symbols.
  return Object.fromEntries(
    Reflect.ownKeys(filter).map((key) => [key, copyFilter(Reflect.get(filter, key))]),
  );
}

/**
 * Whether a filter excludes rows whose property is null: `{ $ne: null }` at its top level or inside `$and`.
 *
 * @internal
 */
export function excludesNull(filter: unknown, path: string): boolean {
  if (Array.isArray(filter)) return filter.some((part) => excludesNull(part, path));
  if (typeof filter !== 'object' || filter === null) return false;
  const { $and: conjuncts, ...own } = filter as Record<string, unknown>;
  if (conjuncts !== undefined && excludesNull(conjuncts, path)) return true;
  let condition: unknown = own;
  for (const name of path.split('.')) {
    if (typeof condition !== 'object' || condition === null) return false;
    condition = (condition as Record<string, unknown>)[name];
  }
  return typeof condition === 'object' && condition !== null && '$ne' in condition && condition.$ne === null;
}

/** Whether a value is an object without a class. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
