import type { EntityManager } from '@mikro-orm/core';

/**
 * A name as the database's dialect quotes it, whatever is in it: it can be unknown to the database, never
 * SQL. Only the quote characters are asked of MikroORM, which doubles no more than the first one inside.
 */
export function quoteIdentifier(em: EntityManager, name: string): string {
  const [open = '"', , close = open] = em.getPlatform().quoteIdentifier('x');
  return open + name.replaceAll(close, close + close) + close;
}
