import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/core';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { asSqlManager } from '../sources/sql/sql-manager.js';
import { quoteIdentifier } from './quote-identifier.js';

/**
 * Where statements go: an entity manager, or a MikroORM migration (`this` in `up` and `down`).
 *
 * @publicApi
 */
export type BatchTarget = EntityManager | MigrationLike;

/** What is needed of a MikroORM migration. */
export interface MigrationLike {
  getEntityManager(): EntityManager;
  isTransactional(): boolean;
}

/**
 * One step: ids from `min` on, up to and without `max`.
 *
 * @publicApi
 */
export interface KeyBounds {
  readonly min: bigint;
  readonly max: bigint;
}

/** How far a walk is. */
export interface BatchProgress extends KeyBounds {
  /** Steps so far. */
  readonly steps: number;
  /** Rows so far, as the database reported them. */
  readonly rows: number;
  /** 0 to 100, by the keys. */
  readonly percent: number;
}

/** What became of a walk. */
export type BatchResult = Pick<BatchProgress, 'steps' | 'rows'>;

/**
 * What to walk, and the statement of a step.
 *
 * @publicApi
 */
export interface BatchExecuteOptions {
  readonly table: string;
  /** Default: the connection's search path. */
  readonly schema?: string;
  /** An integer column with an index. Default `id`. */
  readonly key?: string;
  /** Keys a step, from 1 on. Stretches without rows cost nothing. */
  readonly stepSize: number;
  /** The statement of a step. Limit it to `min <= key` and `key < max`; nothing else does. */
  readonly sql: (bounds: KeyBounds) => string;
  /** Ms to wait between steps, so that replicas and vacuum keep up. Default 0. */
  readonly pauseMs?: number;
  /** Called after each step. Default: none. */
  readonly onProgress?: (progress: BatchProgress) => void;
}

/**
 * Walks a table in half-open ranges of an integer key, one small statement and one transaction each. For
 * backfills that are small enough for a migration; the others want a run of their own.
 *
 * A migration that calls it has to be outside a transaction: `isTransactional() { return false; }`. A
 * statement that fails ends the walk; what was done stays done, so `sql` should leave out rows that are.
 *
 * @example
 * ```ts
 * override async up() {
 *   await batchExecute(this, {
 *     table: 'orders',
 *     stepSize: 10_000,
 *     sql: ({ min, max }) => `update orders set total = 0 where total is null and id >= ${min} and id < ${max}`,
 *   });
 * }
 * ```
 *
 * @throws BackfillRequestError when an option is wrong, the key is no integer, or a transaction is open
 *
 * @publicApi
 */
export async function batchExecute(target: BatchTarget, options: BatchExecuteOptions): Promise<BatchResult> {
  const { stepSize, pauseMs = 0, sql, onProgress } = options;
  whole('stepSize', stepSize, 1);
  whole('pauseMs', pauseMs, 0);
  const walk = new KeyWalk(managerOf(target), options);
  const bounds = await walk.bounds();
  let steps = 0;
  let rows = 0;
  if (!bounds) {
    return { steps, rows };
  }
  let min: bigint | null = bounds.first;
  while (min !== null && min <= bounds.last) {
    const max: bigint = min + BigInt(stepSize);
    rows += await walk.execute(sql({ min, max }));
    steps++;
    const covered = max > bounds.last ? bounds.last : max;
    const span = Number(bounds.last - bounds.first) || 1;
    const percent = max > bounds.last ? 100 : Math.round((Number(covered - bounds.first) / span) * 1000) / 10;
    onProgress?.({ min, max, steps, rows, percent });
    min = await walk.next(max);
    if (pauseMs > 0 && min !== null && min <= bounds.last) {
      await sleep(pauseMs);
    }
  }
  return { steps, rows };
}

/** Reads keys and runs statements, each in a transaction of its own. */
class KeyWalk {
  private readonly table: string;
  private readonly key: string;

  constructor(
    private readonly em: EntityManager,
    private readonly options: BatchExecuteOptions,
  ) {
    const { table, schema, key = 'id' } = options;
    if (!asSqlManager(em)) {
      throw wrong('em', 'one of an SQL database', em.getPlatform().constructor.name);
    }
    const quoted = (name: string) => quoteIdentifier(em, name);
    this.table = schema === undefined ? quoted(table) : `${quoted(schema)}.${quoted(table)}`;
    this.key = quoted(key);
  }

  async bounds(): Promise<{ first: bigint; last: bigint } | null> {
    const [row] = await this.read(
      `select min(${this.key}) as first_key, max(${this.key}) as last_key from ${this.table}`,
    );
    const first = this.integer(row?.['first_key']);
    const last = this.integer(row?.['last_key']);
    return first === null || last === null ? null : { first, last };
  }

  /** The smallest key from this one on; `null` past the end. */
  async next(from: bigint): Promise<bigint | null> {
    const [row] = await this.read(
      `select min(${this.key}) as next_key from ${this.table} where ${this.key} >= ${from}`,
    );
    return this.integer(row?.['next_key']);
  }

  async execute(statement: string): Promise<number> {
    const result: unknown = await this.em.getConnection().execute(statement, [], 'run');
    const affected: unknown =
      typeof result === 'object' && result !== null && Reflect.get(result, 'affectedRows');
    return typeof affected === 'number' ? affected : 0;
  }

  private async read(query: string): Promise<Record<string, unknown>[]> {
    return this.em.getConnection('write').execute<Record<string, unknown>[]>(query, [], 'all');
  }

  private integer(value: unknown): bigint | null {
    if (value === null || value === undefined) {
      return null;
    }
    if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
      return BigInt(value);
    }
    if (typeof value === 'string' && /^-?\d+$/.test(value)) {
      return BigInt(value);
    }
    throw wrong('key', `an integer column of table ${JSON.stringify(this.options.table)}`, value);
  }
}

function managerOf(target: BatchTarget): EntityManager {
  if (!('isTransactional' in target)) {
    if (target.isInTransaction()) {
      throw wrong('em', 'outside a transaction, as each step is one of its own', 'an open transaction');
    }
    return target;
  }
  if (target.isTransactional()) {
    throw wrong(
      'migration',
      'outside a transaction: override isTransactional() { return false; }',
      'a transactional one',
    );
  }
  return target.getEntityManager();
}

function whole(field: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw wrong(field, `a whole number from ${least} on`, value);
  }
}

function wrong(field: string, expected: string, got: unknown): BackfillRequestError {
  return new BackfillRequestError('batchExecute', field, expected, got);
}
