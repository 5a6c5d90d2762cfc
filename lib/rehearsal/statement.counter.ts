import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from '@mikro-orm/core';
import type { RehearsedStatements } from './rehearsal.js';

/** The methods of MikroORM's SQL connections that statements go through. */
interface SqlConnection {
  execute(
    sql: unknown,
    params?: unknown,
    method?: unknown,
    ctx?: unknown,
    ...rest: unknown[]
  ): Promise<unknown>;
  begin(options?: { ctx?: unknown }, ...rest: unknown[]): Promise<object>;
  commit(ctx: object, ...rest: unknown[]): unknown;
}

const MAX_SHAPES = 10;
const MAX_SHAPE_LENGTH = 500;
const WRITE = /^\s*(insert|update|delete|merge|truncate|create|alter|drop|call|copy|replace)\b/i;
const END = /^\s*(commit|end)\b/i;
/** Of the savepoint that each row of a dry run has. */
const SAVEPOINT = /^(savepoint|release savepoint|rollback to savepoint) backfill_row/;

/** Whose statements these are. `null`: the library's own, which are not counted. */
const counters = new AsyncLocalStorage<StatementCounter | null>();
const watched = new WeakSet<object>();

/** Counts the statements of a rehearsal that go through MikroORM, and notices those that end or leave its transaction. */
export class StatementCounter {
  private readonly shapes = new Map<string, number>();
  private total = 0;
  private isOpen = false;
  /** Transactions that the handler began beside that of the rehearsal. */
  private readonly foreign = new WeakSet<object>();
  /** The first statement that was committed, or committed what was before it; `null`: none was seen. */
  committed: string | null = null;
  /** Ms that statements took, and the savepoints of rows. */
  databaseMs = 0;
  savepointMs = 0;
  /** Whether a statement has ended the transaction of the rehearsal. */
  hasEnded = false;

  /** Counts what the work executes. */
  run<T>(em: EntityManager, work: () => T): T {
    watch(em.getConnection('write'));
    return counters.run(this, work);
  }

  /** Does work of the library itself, whose statements are not counted. */
  static exclude<T>(work: () => T): T {
    return counters.run(null, work);
  }

  /** The transaction of the rehearsal is open: one that begins from now on is the handler's own. */
  open(): void {
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
  }

  statements(batches: number): RehearsedStatements {
    return {
      total: this.total,
      perBatch: batches === 0 ? 0 : Math.round((this.total / batches) * 10) / 10,
      shapes: [...this.shapes]
        .map(([sql, count]) => ({ sql, count }))
        .toSorted((a, b) => b.count - a.count)
        .slice(0, MAX_SHAPES),
    };
  }

  onStatement(sql: string, inTransaction: boolean): void {
    if (SAVEPOINT.test(sql)) {
      return;
    }
    const shape = shapeOf(sql);
    this.total++;
    this.shapes.set(shape, (this.shapes.get(shape) ?? 0) + 1);
    this.hasEnded ||= this.isOpen && END.test(sql);
    if (this.isOpen && (END.test(sql) || (!inTransaction && WRITE.test(sql)))) {
      this.committed ??= shape;
    }
  }

  onEnd(sql: string, ms: number): void {
    if (SAVEPOINT.test(sql)) {
      this.savepointMs += ms;
    } else {
      this.databaseMs += ms;
    }
  }

  onBegin(transaction: object, isNested: boolean): void {
    if (this.isOpen && !isNested) {
      this.foreign.add(transaction);
    }
  }

  onCommit(transaction: object): void {
    if (this.foreign.has(transaction)) {
      this.committed ??= 'commit';
    }
  }
}

/** Has a connection report to the counter of the work under way. Installed once; without a counter it costs a look-up. */
function watch(connection: SqlConnection): void {
  if (watched.has(connection)) {
    return;
  }
  watched.add(connection);
  const execute = connection.execute.bind(connection);
  const begin = connection.begin.bind(connection);
  const commit = connection.commit.bind(connection);
  connection.execute = async (sql, params, method, ctx, ...rest) => {
    const counter = counters.getStore();
    if (!counter) {
      return execute(sql, params, method, ctx, ...rest);
    }
    const text = textOf(sql);
    counter.onStatement(text, ctx !== undefined && ctx !== null);
    const startedAt = performance.now();
    try {
      return await execute(sql, params, method, ctx, ...rest);
    } finally {
      counter.onEnd(text, performance.now() - startedAt);
    }
  };
  connection.begin = async (options, ...rest) => {
    const transaction = await begin(options, ...rest);
    counters.getStore()?.onBegin(transaction, options?.ctx !== undefined);
    return transaction;
  };
  connection.commit = (ctx, ...rest) => {
    counters.getStore()?.onCommit(ctx);
    return commit(ctx, ...rest);
  };
}

/** The text of a statement, of a raw fragment or of a query builder of MikroORM. */
function textOf(sql: unknown): string {
  if (typeof sql === 'string') {
    return sql;
  }
  const { sql: text, toRaw } = Object(sql) as { sql?: unknown; toRaw?: () => { sql: string } };
  return typeof text === 'string' ? text : (toRaw?.call(sql).sql ?? 'unknown');
}

/** A statement without its values: they may be secret, and those of equal statements differ. */
function shapeOf(sql: string): string {
  const shape = sql
    .replaceAll(/'(?:[^']|'')*'/g, '?')
    .replaceAll(/\$\d+/g, '?')
    .replaceAll(/(?<![\w"`])-?\d+(\.\d+)?\b/g, '?')
    .replaceAll(/\?(\s*,\s*\?)+/g, '?, …')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/(when \([^)]*\) then \? )+/g, 'when … ')
    .trim();
  return shape.length > MAX_SHAPE_LENGTH ? `${shape.slice(0, MAX_SHAPE_LENGTH)}…` : shape;
}
