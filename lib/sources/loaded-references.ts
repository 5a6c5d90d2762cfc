import { helper, ReferenceKind } from '@mikro-orm/core';

/** The references of a row, by property: the primary key of the other row, as MikroORM keeps it. */
type References = Readonly<Record<string, unknown>>;

const references = new WeakMap<object, References>();

/**
 * Remembers which rows a loaded row refers to. Populating a relation whose row a filter hides sets it to null, also in
 * what MikroORM remembers of the loaded row. Does nothing for a row that is remembered.
 *
 * @internal
 */
export function rememberReferences(row: object): void {
  const { __meta: meta, __originalEntityData: data } = helper(row);
  if (references.has(row) || !data || meta.relations.length === 0) {
    return;
  }
  const owned = meta.relations.filter(
    ({ kind, owner }) => kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner),
  );
  const loaded = data as References;
  references.set(
    row,
    Object.fromEntries(owned.flatMap(({ name }) => (name in loaded ? [[name, loaded[name]]] : []))),
  );
}

/**
 * The references that a row had when it was loaded.
 *
 * @internal
 */
export function loadedReferences(row: object): References | undefined {
  return references.get(row);
}
