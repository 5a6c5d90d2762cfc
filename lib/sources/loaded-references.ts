import { helper, ReferenceKind } from '@mikro-orm/core';
import type { EntityMetadata } from '@mikro-orm/core';

/** The references of a row, by property: the primary key of the other row, as MikroORM keeps it. */
type References = Readonly<Record<string, unknown>>;

const references = new WeakMap<object, References>();
/** Properties of owned references, by the metadata of the entity. */
const owned = new WeakMap<object, readonly string[]>();

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
  const loaded = data as References;
  references.set(
    row,
    Object.fromEntries(ownedBy(meta).flatMap((name) => (name in loaded ? [[name, loaded[name]]] : []))),
  );
}

function ownedBy(meta: EntityMetadata): readonly string[] {
  const known = owned.get(meta);
  if (known) {
    return known;
  }
  const names = meta.relations
    .filter(
      ({ kind, owner }) => kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner),
    )
    .map(({ name }) => name);
  owned.set(meta, names);
  return names;
}

/**
 * The references that a row had when it was loaded.
 *
 * @internal
 */
export function loadedReferences(row: object): References | undefined {
  return references.get(row);
}
