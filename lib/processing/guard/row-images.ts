import { helper } from '@mikro-orm/core';
import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { loadedReferences } from '../../sources/loaded-references.js';
import { readRows } from './read-rows.js';

/** The values of a row by property, as MikroORM compares them. */
type RowImage = Readonly<Record<string, unknown>>;

/** The values that rows had when they were loaded, or after the handler itself had flushed them. */
export class RowImages {
  /** What MikroORM remembers of entities that were loaded. */
  private readonly loaded = new Map<object, unknown>();
  private readonly flushed = new Map<string, RowImage>();
  /** What MikroORM remembered of them when the flush began. */
  private readonly saved = new Map<object, unknown>();
  /** What brings back the images from before a transaction that is open. */
  private readonly replaced = new WeakMap<object, (() => void)[]>();

  /** Remembers the values that an entity was loaded with. */
  remember(entity: object): void {
    this.loaded.set(entity, helper(entity).__originalEntityData);
  }

  /** Whether an entity is one that was loaded. */
  has(entity: object): boolean {
    return this.loaded.has(entity);
  }

  /** Before a flush that may be repeated. */
  save(): void {
    for (const entity of this.loaded.keys()) {
      this.saved.set(entity, helper(entity).__originalEntityData);
    }
  }

  /**
   * Before a flush is repeated: a listener that has MikroORM compute the changes of an entity again makes it take them for
   * written.
   */
  restore(): void {
    for (const [entity, data] of this.saved) {
      const wrapped = helper(entity);
      // The entities that are left out have none.
      if (wrapped.__originalEntityData) {
        wrapped.__originalEntityData = data as never;
      }
    }
  }

  /** The properties that were loaded of any of these entities. */
  propertiesOf(entities: readonly object[]): ReadonlySet<string> {
    return new Set(entities.flatMap((entity) => Object.keys(this.of(entity))));
  }

  /** Whether a row is no longer as it was, in properties that both reads have loaded. */
  differs(
    em: EntityManager,
    meta: EntityMetadata,
    entity: object,
    current: object,
    columns: readonly string[] | null,
  ): boolean {
    // MikroORM refuses to write a row whose version has changed, whatever columns are compared.
    if (versionOf(meta, entity) !== versionOf(meta, current)) {
      return true;
    }
    const [before, now] = [this.of(entity), dataOf(current)];
    const names = Object.keys(
      em.getComparator().diffEntities<Record<string, unknown>>(meta.class as never, before, now),
    );
    return names.some((name) => name in before && name in now && isCompared(meta, name, columns));
  }

  /**
   * Reads rows that the handler has flushed, in the transaction of the flush: a trigger or a column type may have changed
   * what was written, and that is no write of others.
   */
  async refresh(em: EntityManager, entities: readonly object[]): Promise<void> {
    for (const meta of new Set(entities.map((entity) => helper(entity).__meta))) {
      const group = entities.filter((entity) => helper(entity).__meta === meta);
      const rows = await readRows(em, meta, group, { loadedProperties: this.propertiesOf(group) });
      for (const entity of group) {
        const row = rows.get(helper(entity).getSerializedPrimaryKey());
        this.replace(em, entity);
        if (row) {
          this.flushed.set(identityOf(entity), dataOf(row));
        }
        if (this.loaded.has(entity)) {
          this.remember(entity);
        }
      }
    }
  }

  /** After a rollback, rows are again what they were before the transaction. */
  rollBack(transaction: object): void {
    this.replaced
      .get(transaction)
      ?.toReversed()
      .forEach((bringBack) => bringBack());
    this.replaced.delete(transaction);
  }

  private replace(em: EntityManager, entity: object): void {
    const transaction = em.getTransactionContext<object>();
    if (!transaction) {
      return;
    }
    const identity = identityOf(entity);
    const [flushed, isLoaded, loaded] = [
      this.flushed.get(identity),
      this.loaded.has(entity),
      this.loaded.get(entity),
    ];
    const replaced = this.replaced.get(transaction) ?? [];
    this.replaced.set(transaction, replaced);
    replaced.push(() => {
      if (flushed) {
        this.flushed.set(identity, flushed);
      } else {
        this.flushed.delete(identity);
      }
      if (isLoaded) {
        this.loaded.set(entity, loaded);
      }
    });
  }

  private of(entity: object): RowImage {
    return this.flushed.get(identityOf(entity)) ?? dataOf(entity, this.loaded.get(entity));
  }
}

/** The identity of a row: its table and its primary key. */
export function identityOf(entity: object): string {
  const wrapped = helper(entity);
  const key: string = wrapped.getSerializedPrimaryKey();
  return `${wrapped.__meta.root.className}:${key}`;
}

function dataOf(entity: object, original: unknown = helper(entity).__originalEntityData): RowImage {
  const data = (original as RowImage | undefined) ?? {};
  const references = loadedReferences(entity);
  return references ? { ...data, ...references } : data;
}

/** The version of an entity, which MikroORM's comparator leaves out; a number or a time. */
function versionOf({ versionProperty }: EntityMetadata, entity: object): string {
  const version: unknown = versionProperty ? Reflect.get(entity, versionProperty) : null;
  return version instanceof Date ? String(version.getTime()) : String(version);
}

/** The data of an entity has a property for each column of an embeddable, which is named by its own property. */
function isCompared(meta: EntityMetadata, name: string, columns: readonly string[] | null): boolean {
  if (columns === null) {
    return true;
  }
  const properties = meta.properties as Partial<Record<string, { embedded?: readonly [string, string] }>>;
  for (let at: string | undefined = name; at !== undefined; at = properties[at]?.embedded?.[0]) {
    if (columns.includes(at)) {
      return true;
    }
  }
  return false;
}
