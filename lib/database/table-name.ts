import type { EntityManager, EntityMetadata } from '@mikro-orm/core';

/** The quoted name of the table of an entity, with its schema where it has one. */
export function quotedTable(em: EntityManager, meta: EntityMetadata): string {
  const platform = em.getPlatform();
  return [schemaOf(em, meta), meta.tableName]
    .flatMap((part) => (part ? [platform.quoteIdentifier(part)] : []))
    .join('.');
}

/** The schema that MikroORM reads the rows of an entity from; `undefined`: that of the connection. */
export function schemaOf(em: EntityManager, { schema }: EntityMetadata): string | undefined {
  return schema !== undefined && schema !== '*' ? schema : (em.schema ?? em.config.get('schema'));
}
