import type { EntityManager } from '@mikro-orm/core';

/** What is known of the tables of a database, by its connection and their names. */
export class ConnectionCache<T extends object | boolean> {
  private readonly caches = new WeakMap<object, Map<string, T>>();

  async get(em: EntityManager, table: string, read: () => Promise<T>): Promise<T> {
    const connection = em.getConnection('write');
    const known = this.caches.get(connection) ?? new Map<string, T>();
    this.caches.set(connection, known);
    const value = known.get(table) ?? (await read());
    known.set(table, value);
    return value;
  }

  forget(em: EntityManager): void {
    this.caches.delete(em.getConnection('write'));
  }
}
