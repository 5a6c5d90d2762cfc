import { AsyncLocalStorage } from 'node:async_hooks';
import { ChangeSetType, RequestContext, TransactionEventBroadcaster } from '@mikro-orm/core';
import type {
  ChangeSet,
  EntityManager,
  EventSubscriber,
  FlushEventArgs,
  Transaction,
  TransactionEventArgs,
  UnitOfWork,
} from '@mikro-orm/core';
import type { FlushJournal } from '../../journal/flush.journal.js';
import { rememberReferences } from '../../sources/loaded-references.js';
import { findChangedRows } from './find-changed-rows.js';
import type { GuardSettings } from './find-changed-rows.js';
import { identityOf, RowImages } from './row-images.js';
import { RowsChangedError } from './rows-changed.error.js';
import type { LeftOut } from './rows-changed.error.js';
import { UpdateFailedError, UpdateWriter } from './update-writer.js';
import { WatchedRows } from './watched-rows.js';

const guards = new WeakMap<EntityManager, WriteGuard>();
/** The guard whose flush is under way: MikroORM refuses a flush inside of it. */
const committing = new AsyncLocalStorage<WriteGuard>();

/** Has each flush of a handler checked by the guard of its rows. The app's own flushes have none. */
const flushListener: EventSubscriber = {
  async onFlush({ em, uow }: FlushEventArgs): Promise<void> {
    await guardOf(em)?.check(em, uow);
  },
  async afterFlush({ em, uow }: FlushEventArgs): Promise<void> {
    await guardOf(em)?.afterFlush(em, uow);
  },
  afterTransactionRollback({ em, transaction }: TransactionEventArgs): void {
    if (transaction) {
      guardOf(em)?.afterRollback(transaction);
    }
  },
};

function guardOf(em: EntityManager): WriteGuard | undefined {
  const guard = guards.get(em);
  if (guard) {
    return guard;
  }
  // A transaction of the handler flushes a fork of the entity manager that it was given.
  const scoped = RequestContext.currentRequestContext() && RequestContext.getEntityManager(em.name);
  return scoped && guards.get(scoped);
}

/** What a guard does at each flush. */
export interface FlushSettings {
  /** What it compares; `null`: rows are written as they are. */
  readonly guard: GuardSettings | null;
  /** Journals what is written; `null`: the backfill has no `undo`. */
  readonly journal: FlushJournal | null;
}

/**
 * Guards the rows that an entity manager has loaded against lost updates: before each flush it locks the rows that are
 * to be written and compares them with what was loaded. It does so in the transaction of the flush, which it begins
 * where there is none.
 */
export class WriteGuard {
  private readonly commitAll: () => Promise<void>;
  private readonly images = new RowImages();
  private readonly rows = new WatchedRows(this.images);
  private readonly writer: UpdateWriter | null;
  /** Rows that have been compared in a transaction, which holds their locks until it ends. */
  private readonly compared = new WeakMap<object, Set<string>>();
  /** A transaction that was open before: flushes have savepoints of it. */
  private readonly outer: Transaction<object> | undefined;
  /** That of the driver; `undefined` outside of a flush. */
  private transaction: Transaction<object> | undefined;
  /** True while the library flushes, and not the handler. */
  private flushing = false;
  private lastFlush: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly em: EntityManager,
    private readonly settings: FlushSettings,
  ) {
    guards.set(em, this);
    this.outer = em.getTransactionContext<Transaction<object>>();
    const events = em.getEventManager();
    if (!events.getSubscribers().has(flushListener)) {
      events.registerSubscriber(flushListener);
    }
    const { guard, journal } = settings;
    this.writer = guard && new UpdateWriter(em, this.images, guard, journal);
    const uow = em.getUnitOfWork(false);
    this.commitAll = uow.commit.bind(uow);
    // The handler's own flushes need the transaction of the guard, too. All of them end here, those of repositories as well.
    Object.defineProperty(uow, 'commit', {
      configurable: true,
      value: () => (committing.getStore() === this ? this.commitAll() : this.inTransaction(this.commitAll)),
    });
  }

  /** Guards rows that were loaded by the entity manager. */
  watch(entities: readonly object[]): void {
    for (const entity of entities) {
      this.rows.add(entity);
      rememberReferences(entity);
    }
  }

  /**
   * Flushes what the handler changed, except the rows that others changed meanwhile, which it answers.
   *
   * @throws RowsChangedError where they cannot be told from the other changes
   */
  async flush(): Promise<LeftOut> {
    const leftOut = { changed: [] as object[], locked: [] as object[] };
    this.images.save();
    try {
      await this.inTransaction(() => this.flushAll(leftOut));
    } catch (error) {
      if (!(error instanceof UpdateFailedError)) {
        throw error;
      }
      // MikroORM's own statement succeeds, or its error tells why none does.
      this.writer?.disable();
      this.images.restore();
      await this.inTransaction(() => this.flushAll(leftOut));
    }
    return leftOut;
  }

  /** Called with the change sets of a flush, of this entity manager or of one that the handler forked from it. */
  async check(em: EntityManager, uow: UnitOfWork): Promise<void> {
    const { guard, journal } = this.settings;
    const takenOver = guard !== null && (await this.compare(em, uow, guard));
    if (journal && !takenOver) {
      await this.ensureTransaction(em);
      await journal.before(em, uow);
    }
  }

  /** Compares rows, unless the writer takes over the changes, which it answers. */
  private async compare(em: EntityManager, uow: UnitOfWork, guard: GuardSettings): Promise<boolean> {
    const changes = uow.getChangeSets();
    const separable = this.flushing && isSeparable(uow, changes, this.rows);
    const written = separable ? changes.map(({ entity }) => entity) : this.writtenBy(changes);
    if (written.length === 0) {
      return false;
    }
    await this.ensureTransaction(em);
    // The last flush, where it is in a transaction of the guard: nothing follows that the locks have to outlive.
    const last = em === this.em && this.flushing && this.transaction !== undefined;
    if (last && separable && this.writer?.takeOver(changes)) {
      return true;
    }
    const compared = this.comparedIn(em);
    const entities =
      compared.size === 0 ? written : written.filter((entity) => !compared.has(identityOf(entity)));
    const found = await findChangedRows(em, entities, this.images, guard);
    if (found.changed.length + found.locked.length > 0) {
      throw new RowsChangedError(found, separable);
    }
    if (!last) {
      entities.forEach((entity) => compared.add(identityOf(entity)));
    }
    return false;
  }

  /** After a flush of the handler's: what it wrote is what later flushes compare with. */
  async afterFlush(em: EntityManager, uow: UnitOfWork): Promise<void> {
    const { guard, journal } = this.settings;
    if (journal) {
      await this.ensureTransaction(em);
      await journal.after(em, uow);
    }
    const written = this.flushing || !guard ? [] : this.writtenBy(uow.getChangeSets());
    if (written.length > 0) {
      await this.ensureTransaction(em);
      await this.images.refresh(em, written);
    }
  }

  /** What a transaction of the handler wrote is in no row any more. */
  afterRollback(transaction: Transaction): void {
    this.images.rollBack(transaction);
  }

  private writtenBy(changes: readonly ChangeSet<object>[]): object[] {
    return changes.filter((change) => this.rows.has(change)).map(({ entity }) => entity);
  }

  private comparedIn(em: EntityManager): Set<string> {
    const transaction = em.getTransactionContext<object>() ?? this;
    const compared = this.compared.get(transaction) ?? new Set<string>();
    this.compared.set(transaction, compared);
    return compared;
  }

  private async flushAll(leftOut: { changed: object[]; locked: object[] }): Promise<void> {
    this.flushing = true;
    try {
      while (!(await this.flushOthers(leftOut))) {
        // Once more, without the rows that were found to be changed.
      }
    } finally {
      this.flushing = false;
    }
  }

  /** Flushes, without the rows that cannot be written; false where some were found, and nothing was flushed. */
  private async flushOthers({ changed, locked }: { changed: object[]; locked: object[] }): Promise<boolean> {
    try {
      await this.commitAll();
      this.writer?.requireWritten();
      return true;
    } catch (error) {
      if (!(error instanceof RowsChangedError && error.separable)) {
        throw error;
      }
      const found = error.leftOut;
      [...found.changed, ...found.locked].forEach((entity) => this.em.getUnitOfWork().unsetIdentity(entity));
      changed.push(...found.changed);
      locked.push(...found.locked);
      this.images.restore();
      return false;
    }
  }

  /** Runs work and ends the transaction that it made the guard begin. Concurrent flushes of row handlers are serialized. */
  private async inTransaction(work: () => Promise<void>): Promise<void> {
    const flush = this.lastFlush.then(() => committing.run(this, () => this.commitAfter(work)));
    this.lastFlush = flush.catch(() => undefined);
    return flush;
  }

  private async commitAfter(work: () => Promise<void>): Promise<void> {
    const connection = this.em.getConnection('write');
    const events = new TransactionEventBroadcaster(this.em);
    try {
      await work();
      if (this.transaction) {
        await connection.commit(this.transaction, events);
      }
    } catch (error) {
      if (this.transaction) {
        await connection.rollback(this.transaction, events);
      }
      throw error;
    } finally {
      if (this.transaction) {
        this.em.resetTransactionContext();
        if (this.outer) {
          this.em.setTransactionContext(this.outer);
        }
        this.transaction = undefined;
      }
    }
  }

  private async ensureTransaction(em: EntityManager): Promise<void> {
    const context = em.getTransactionContext<object>();
    if (em !== this.em || (context && context !== this.outer)) {
      return;
    }
    if (!this.transaction) {
      const sessionContext = em.getTransactionSessionContext?.();
      this.transaction = await em.getConnection('write').begin({
        eventBroadcaster: new TransactionEventBroadcaster(em),
        ...(this.outer && { ctx: this.outer }),
        ...(sessionContext && { sessionContext }),
      });
    }
    em.setTransactionContext(this.transaction);
  }
}

/** Whether a flush only updates loaded rows. Nothing tells which row another change belongs to. */
function isSeparable(uow: UnitOfWork, changes: readonly ChangeSet<object>[], rows: WatchedRows): boolean {
  return (
    uow.getCollectionUpdates().length === 0 &&
    uow.getExtraUpdates().size === 0 &&
    changes.every((change) => change.type === ChangeSetType.UPDATE && rows.isLoaded(change))
  );
}
