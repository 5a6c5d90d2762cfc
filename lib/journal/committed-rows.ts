import type { EntityManager, EventSubscriber, TransactionEventArgs } from '@mikro-orm/core';
import { announceSavepoints } from '../database/savepoint-events.js';

/** Called with how many rows of a journal have been committed. Never rejects. */
export type CountRows = (rows: number) => Promise<void>;

/** A transaction or savepoint that is open. */
interface OpenTransaction {
  /** The one around it; `null`: it is no savepoint. */
  readonly outer: object | null;
  readonly rows: Map<CountRows, number>;
}

/**
 * Counts rows once the transaction that has written them to a journal is committed: one that is rolled back has written
 * none.
 */
export class CommittedRows implements EventSubscriber {
  private readonly open = new WeakMap<object, OpenTransaction>();
  private readonly outerOf = new WeakMap<EntityManager, object>();

  /** Has an event manager tell of transactions; entity managers that are forked later share it, or a copy of it. */
  listenTo(em: EntityManager): void {
    const events = em.getEventManager();
    if (!events.getSubscribers().has(this)) {
      events.registerSubscriber(this);
      announceSavepoints(em, this);
    }
  }

  /** Counts rows that were written in the open transaction of an entity manager. */
  async add(em: EntityManager, rows: number, count: CountRows): Promise<void> {
    const transaction = em.getTransactionContext<object>();
    const open = transaction && this.open.get(transaction);
    if (!open) {
      await count(rows);
      return;
    }
    addRows(open, rows, count);
  }

  beforeTransactionStart({ em, transaction }: TransactionEventArgs): void {
    if (transaction) {
      this.outerOf.set(em, transaction);
    } else {
      this.outerOf.delete(em);
    }
  }

  afterTransactionStart({ em, transaction }: TransactionEventArgs): void {
    if (transaction) {
      this.open.set(transaction, { outer: this.outerOf.get(em) ?? null, rows: new Map() });
    }
  }

  async afterTransactionCommit({ transaction }: TransactionEventArgs): Promise<void> {
    const committed = transaction && this.open.get(transaction);
    if (!committed) {
      return;
    }
    this.open.delete(transaction);
    const outer = committed.outer && this.open.get(committed.outer);
    for (const [count, rows] of committed.rows) {
      if (outer) {
        addRows(outer, rows, count);
      } else {
        await count(rows);
      }
    }
  }

  afterTransactionRollback({ transaction }: TransactionEventArgs): void {
    if (transaction) {
      this.open.delete(transaction);
    }
  }
}

function addRows({ rows: counted }: OpenTransaction, rows: number, count: CountRows): void {
  counted.set(count, (counted.get(count) ?? 0) + rows);
}
