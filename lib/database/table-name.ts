import type { EntityManager, EntityMetadata } from '@mikro-orm/core';

/** The quoted name of the table of an entity, with its schema where it has one. */
export function quotedTable(em: EntityManager, meta: EntityMetadata): string {
  const platform = em.getPlatform();
  return [schemaOf(em, meta), meta.tableName]
    .flatMap((part) => (part ? [platform.quoteIdentifier(part)] : []))
    .join('.');
}

/**
 * The schema that MikroORM names in statements on the rows of an entity; `undefined`: that of the connection. It leaves out the
 * default schema of the platform, `public`, so that the `search_path` decides where a table is.
 */
export function schemaOf(em: EntityManager, { schema }: Pick<EntityMetadata, 'schema'>): string | undefined {
  const named = schema !== undefined && schema !== '*' ? schema : (em.schema ?? em.config.get('schema'));
  return named === em.getPlatform().getDefaultSchemaName() ? undefined : named;
}
