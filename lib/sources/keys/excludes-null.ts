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
