import type { EntityManager } from '@mikro-orm/core';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { asSqlManager } from '../sources/sql/sql-manager.js';
import type { BatchExecuteOptions } from './batch-options.js';

/** The lowest and the highest key of a table, both inclusive. */
export interface KeyExtent {
  readonly lowest: bigint;
  readonly highest: bigint;
}

/** Queries and statements of `batchExecute`. Outside a transaction, each commits by itself. */
export class BatchTable {
  private readonly table: string;
  private readonly key: string;

  constructor(
    private readonly em: EntityManager,
    private readonly options: Pick<BatchExecuteOptions, 'table' | 'schema' | 'key'>,
  ) {
    const { table, schema, key = 'id' } = options;
    if (!asSqlManager(em)) {
      const platform = em.getPlatform().constructor.name;
      throw new BackfillRequestError('batchExecute', 'em', 'one of an SQL database', platform);
    }
    const quoted = (name: string) => quoteIdentifier(em, name);
    this.table = schema === undefined ? quoted(table) : `${quoted(schema)}.${quoted(table)}`;
    this.key = quoted(key);
  }

  /** `null` for an empty table. */
  async extent(): Promise<KeyExtent | null> {
    const [row] = await this.query(
      `select min(${this.key}) as lowest_key, max(${this.key}) as highest_key from ${this.table}`,
    );
    const lowest = this.parseKey(row?.['lowest_key']);
    const highest = this.parseKey(row?.['highest_key']);
    return lowest === null || highest === null ? null : { lowest, highest };
  }

  /** The lowest key from a key on; `null` when there is none. */
  async firstKeyFrom(key: bigint): Promise<bigint | null> {
    const [row] = await this.query(
      `select min(${this.key}) as next_key from ${this.table} where ${this.key} >= ${key}`,
    );
    return this.parseKey(row?.['next_key']);
  }

  /** Executes a statement and returns the number of affected rows, 0 when the driver reports none. */
  async execute(statement: string): Promise<number> {
    const result: unknown = await this.em.getConnection().execute(statement, [], 'run');
    const affected: unknown =
      typeof result === 'object' && result !== null && Reflect.get(result, 'affectedRows');
    return typeof affected === 'number' ? affected : 0;
  }

  /** Reads from the primary: a replica may lag behind the previous step. */
  private async query(sql: string): Promise<Record<string, unknown>[]> {
    return this.em.getConnection('write').execute<Record<string, unknown>[]>(sql, [], 'all');
  }

  private parseKey(value: unknown): bigint | null {
    if (value === null || value === undefined) {
      return null;
    }
    if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
      return BigInt(value);
    }
    if (typeof value === 'string' && /^-?\d+$/.test(value)) {
      return BigInt(value);
    }
    const table = JSON.stringify(this.options.table);
    throw new BackfillRequestError('batchExecute', 'key', `an integer column of table ${table}`, value);
  }
}

/**
 * Quotes an identifier for the dialect and doubles quotes in it, so that no name can end the quotes. MikroORM
 * (6.6, 7.2) supplies the quote characters only: its `quoteIdentifier` splits a name at the first dot.
 */
function quoteIdentifier(em: EntityManager, name: string): string {
  const [open = '"', , close = open] = em.getPlatform().quoteIdentifier('x');
  return open + name.replaceAll(close, close + close) + close;
}
