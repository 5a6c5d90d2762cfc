import { helper, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager, EntityMetadata, LockMode } from '@mikro-orm/core';
import { keysFilter } from '../../database/keys-filter.js';

/** What is read of rows, and how they are locked. */
export interface ReadRequest {
  readonly lockMode?: LockMode.PESSIMISTIC_PARTIAL_WRITE | LockMode.PESSIMISTIC_WRITE_OR_FAIL | undefined;
  readonly keysOnly?: boolean;
  /** Lazy properties among them are read as well. */
  readonly loadedProperties?: ReadonlySet<string>;
}

/** Reads the rows of entities anew, by their serialized primary keys, in the transaction of the entity manager. */
export async function readRows(
  em: EntityManager,
  meta: EntityMetadata,
  entities: readonly object[],
  { lockMode, keysOnly, loadedProperties }: ReadRequest,
): Promise<Map<string, object>> {
  const reader = em.fork({ clear: true, disableContextResolution: true, keepTransactionContext: true });
  const lazy = meta.props
    .filter(
      ({ name, lazy: isLazy, kind }) =>
        isLazy && kind === ReferenceKind.SCALAR && loadedProperties?.has(name),
    )
    .map(({ name }) => name);
  const rows = await reader.find<object>(meta.class, keysFilter(meta, entities), {
    ...(keysOnly ? { fields: meta.primaryKeys as never } : {}),
    ...(lockMode === undefined ? {} : { lockMode }),
    filters: false,
    populate: (lazy.length > 0 ? lazy : false) as never,
    // In the order of the keys: transactions that lock rows in the same order do not deadlock.
    orderBy: Object.fromEntries(meta.primaryKeys.map((name) => [name, 'asc'])) as never,
    connectionType: 'write',
    cache: false,
  });
  return new Map(rows.map((row) => [helper(row).getSerializedPrimaryKey(), row]));
}
