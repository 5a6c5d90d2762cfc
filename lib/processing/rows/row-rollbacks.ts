import { AsyncLocalStorage } from 'node:async_hooks';
import { ChangeSetType, helper, ReferenceKind, Utils } from '@mikro-orm/core';
import type {
  Collection,
  EntityManager,
  EventSubscriber,
  FlushEventArgs,
  TransactionEventArgs,
} from '@mikro-orm/core';
import { announceSavepoints } from '../../database/savepoint-events.js';
import { withRelated } from './related-entities.js';

/** What MikroORM takes for the values that a row has in the database; `undefined`: it takes the entity for a new one. */
type Original = Readonly<Record<string, unknown>> | undefined;

interface FlushedEntity {
  readonly entity: object;
  readonly original: Original;
  /** A collection of it with a table of its own, and the items that the table had; absent: the entity itself. */
  readonly collection?: Collection<object>;
  readonly items?: readonly object[];
}

/** A call of a row handler, and what it has flushed. */
interface RowCall {
  readonly row: unknown;
  /** The rows of the handlers that share its entity manager. */
  readonly rows: WeakSet<object>;
  /** Entities that were flushed in the open transactions, with what they were before. */
  readonly flushed: FlushedEntity[];
  readonly transactions: Map<EntityManager, OpenTransaction>;
  /** Lengths of `flushed` at the beginning of the flushes that are under way. */
  readonly flushes: Map<EntityManager, number>;
}

interface OpenTransaction {
  /** Length of `flushed` at its beginning. */
  readonly from: number;
  /** Entities that were to be flushed by then, with the properties; `null`: the entity is new. */
  readonly pending: ReadonlyMap<object, readonly string[] | null>;
  /** Collections with a table of their own that were to be flushed by then. */
  readonly collections: ReadonlySet<unknown>;
}

const calls = new AsyncLocalStorage<RowCall>();

/**
 * Row handlers share an entity manager, and a transaction of one of them flushes what the others have changed. MikroORM
 * then takes all of that for written, also where the transaction is rolled back. This has it flush again what was
 * pending when the transaction began, and the rows of the other handlers with what belongs to them alone.
 */
const rollbackListener: EventSubscriber = {
  beforeFlush({ em }: FlushEventArgs): void {
    const call = calls.getStore();
    call?.flushes.set(em, call.flushed.length);
  },
  onFlush({ uow }: FlushEventArgs): void {
    const call = calls.getStore();
    if (call) {
      for (const { entity, type, originalEntity } of uow.getChangeSets()) {
        const updated = type === ChangeSetType.UPDATE && originalEntity;
        call.flushed.push({
          entity,
          original: (updated || helper(entity).__originalEntityData) as Original,
        });
      }
      for (const collection of uow.getCollectionUpdates() as Collection<object>[]) {
        const items = collection.getSnapshot();
        if (items && collection.property.kind === ReferenceKind.MANY_TO_MANY) {
          call.flushed.push({ entity: collection.owner, original: undefined, collection, items });
        }
      }
    }
  },
  afterFlush({ em }: FlushEventArgs): void {
    calls.getStore()?.flushes.delete(em);
  },
  beforeTransactionStart({ em }: TransactionEventArgs): void {
    const call = calls.getStore();
    // The transaction of a flush begins within it.
    call?.transactions.set(em, {
      from: call.flushes.get(em) ?? call.flushed.length,
      pending: pendingIn(em, call),
      collections: pendingCollectionsIn(em, call),
    });
  },
  afterTransactionCommit({ em }: TransactionEventArgs): void {
    const call = calls.getStore();
    if (call?.transactions.delete(em) && call.transactions.size === 0) {
      call.flushed.length = 0;
    }
  },
  afterTransactionRollback({ em }: TransactionEventArgs): void {
    const call = calls.getStore();
    const transaction = call?.transactions.get(em);
    if (call && transaction) {
      call.transactions.delete(em);
      // That of a flush which has failed.
      call.flushes.delete(em);
      const flushed = call.flushed.splice(transaction.from).toReversed();
      const ofOthers = flushed.length > 0 ? entitiesOfOthers(em, call) : new Set();
      for (const { entity, original, collection, items } of flushed) {
        const names = ofOthers.has(entity) ? null : transaction.pending.get(entity);
        if (!collection) {
          restore(entity, original, names);
        } else if (names === null || transaction.collections.has(collection)) {
          restoreItems(collection, items ?? []);
        }
      }
    }
  },
};

/**
 * Calls the handler of a row.
 *
 * @param rows those of the handlers that share its entity manager
 */
export function keepingPending<T>(em: EntityManager, row: unknown, rows: WeakSet<object>, call: () => T): T {
  const events = em.getEventManager();
  if (!events.getSubscribers().has(rollbackListener)) {
    events.registerSubscriber(rollbackListener);
    announceSavepoints(em, rollbackListener);
  }
  return calls.run({ row, rows, flushed: [], transactions: new Map(), flushes: new Map() }, call);
}

function isOther({ row, rows }: RowCall, entity: object): boolean {
  return entity !== row && rows.has(entity);
}

/** The rows of the other handlers, and what is related to them and not to the row of this one. */
function entitiesOfOthers(em: EntityManager, call: RowCall): ReadonlySet<object> {
  const { row } = call;
  const own = withRelated(typeof row === 'object' && row && call.rows.has(row) ? [row] : [], (entity) =>
    isOther(call, entity),
  );
  const others = [...em.getUnitOfWork(false).getIdentityMap()].filter((entity) => isOther(call, entity));
  return withRelated(others, (entity) => own.has(entity));
}

/** What a flush would write now, but for the rows of other handlers, which are restored anyway. */
function pendingIn(em: EntityManager, call: RowCall): OpenTransaction['pending'] {
  const uow = em.getUnitOfWork(false);
  const pending = new Map<object, readonly string[] | null>();
  for (const entity of uow.getPersistStack()) {
    if (!helper(entity).__originalEntityData) {
      pending.set(entity, null);
    }
  }
  for (const entity of uow.getIdentityMap()) {
    const { __meta: meta, __originalEntityData: original } = helper(entity);
    if (original && !isOther(call, entity)) {
      const comparator = em.getComparator();
      const names = Object.keys(
        comparator.diffEntities(meta.class as never, original, comparator.prepareEntity(entity)),
      );
      if (names.length > 0) {
        pending.set(entity, names);
      }
    }
  }
  return pending;
}

function pendingCollectionsIn(em: EntityManager, call: RowCall): OpenTransaction['collections'] {
  const pending = new Set<unknown>();
  for (const entity of em.getUnitOfWork(false).getIdentityMap()) {
    for (const { name, kind } of isOther(call, entity) ? [] : helper(entity).__meta.relations) {
      const collection: unknown = kind === ReferenceKind.MANY_TO_MANY && Reflect.get(entity, name);
      if (Utils.isCollection<object>(collection) && collection.isDirty()) {
        pending.add(collection);
      }
    }
  }
  return pending;
}

/** @param names properties to be flushed again; `null`: all, `undefined`: none */
function restore(entity: object, original: Original, names: readonly string[] | null | undefined): void {
  const wrapped = helper(entity);
  if (names === null) {
    wrapped.__originalEntityData = original as never;
  } else if (names && original) {
    const values = Object.fromEntries(names.map((name) => [name, original[name]]));
    wrapped.__originalEntityData = { ...wrapped.__originalEntityData, ...values } as never;
  }
}

/** Has the table of a collection, which has these items, get those that the collection has now. */
function restoreItems(collection: Collection<object>, items: readonly object[]): void {
  const current = collection.getItems(false);
  collection.hydrate([...items]);
  collection.set(current);
}
