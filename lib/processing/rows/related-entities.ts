import { helper, Reference, Utils } from '@mikro-orm/core';

/** Those of the entities, and all that their loaded relations lead to, without going through one that `isLeftOut`. */
export function withRelated(
  entities: Iterable<object>,
  isLeftOut: (entity: object) => boolean,
): ReadonlySet<object> {
  const found = new Set(entities);
  // A set gives what is added to it meanwhile, too.
  for (const entity of found) {
    for (const { name } of helper(entity).__meta.relations) {
      for (const related of entitiesIn(Reflect.get(entity, name))) {
        if (!isLeftOut(related)) {
          found.add(related);
        }
      }
    }
  }
  return found;
}

function entitiesIn(relation: unknown): readonly object[] {
  if (Utils.isCollection<object>(relation)) {
    return relation.getItems(false);
  }
  const entity: unknown = Reference.unwrapReference(relation as object);
  return Utils.isEntity<object>(entity) ? [entity] : [];
}
