import type { EntityManager } from '@mikro-orm/core';
import { sleep } from '../async/sleep.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import type { BatchExecuteOptions, BatchResult, BatchTarget } from './batch-options.js';
import { BatchTable } from './batch-table.js';

/**
 * Executes a statement over a table in steps: half-open intervals of an integer key in ascending order, each
 * in a transaction of its own. For changes that are small enough for a migration; larger ones need a
 * backfill.
 *
 * A migration that calls it must not be transactional: override `isTransactional() { return false; }`. When
 * a statement fails, the steps before it stay committed and the remaining ones are not executed.
 *
 * @param target an entity manager outside a transaction, or the migration (`this`)
 * @returns the number of steps and of affected rows
 * @throws BackfillRequestError when an option is invalid, the database is not an SQL database, the key is not
 *   an integer, or a transaction is open
 * @throws DriverException of MikroORM when a statement fails
 *
 * @example
 * ```ts
 * export class Migration20260105 extends Migration {
 *   override isTransactional(): boolean {
 *     return false;
 *   }
 *
 *   override async up(): Promise<void> {
 *     await batchExecute(this, {
 *       table: 'orders',
 *       stepSize: 10_000,
 *       sql: ({ min, max }) => `update orders set total = 0 where total is null and id >= ${min} and id < ${max}`,
 *     });
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export async function batchExecute(target: BatchTarget, options: BatchExecuteOptions): Promise<BatchResult> {
  const { stepSize, pauseMs = 0, sql, onProgress } = options;
  assertWholeNumber('stepSize', stepSize, 1);
  assertWholeNumber('pauseMs', pauseMs, 0);
  const table = new BatchTable(entityManagerOf(target), options);
  const extent = await table.extent();
  let steps = 0;
  let rows = 0;
  if (!extent) {
    return { steps, rows };
  }
  const { lowest, highest } = extent;
  let min: bigint | null = lowest;
  // The highest key is that at the start, so that concurrent inserts do not extend the loop.
  while (min !== null && min <= highest) {
    const max: bigint = min + BigInt(stepSize);
    rows += await table.execute(sql({ min, max }));
    steps++;
    const fraction = max > highest ? 1 : Number(max - lowest) / Number(highest - lowest);
    onProgress?.({ min, max, steps, rows, percent: Math.round(fraction * 1000) / 10 });
    min = await table.firstKeyFrom(max);
    if (min !== null && min <= highest) {
      await sleep(pauseMs);
    }
  }
  return { steps, rows };
}

function entityManagerOf(target: BatchTarget): EntityManager {
  if (!('isTransactional' in target)) {
    if (target.isInTransaction()) {
      throw requestError(
        'em',
        'outside a transaction, because each step commits its own',
        'an open transaction',
      );
    }
    return target;
  }
  if (target.isTransactional()) {
    throw requestError(
      'migration',
      'outside a transaction: override isTransactional() { return false; }',
      'a transactional one',
    );
  }
  return target.getEntityManager();
}

function assertWholeNumber(field: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw requestError(field, `a whole number from ${minimum} on`, value);
  }
}

function requestError(field: string, expected: string, got: unknown): BackfillRequestError {
  return new BackfillRequestError('batchExecute', field, expected, got);
}
