import { Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/core';
import type { BackfillSource } from '../../sources/backfill-source.js';
import type { RangeEntry } from '../../state/range-entry.js';
import type { Execution } from '../execution.js';
import { loadRows } from '../load-rows.js';
import type { LoadedRange } from '../load-rows.js';
import { takeSnapshot } from './database-snapshot.js';
import { findChangedRows } from './find-changed-rows.js';
import { readsDatabase } from '../../sources/source-entity.js';
import { entryOfKeys } from './rounds.js';
import { RowImages } from './row-images.js';
import { RowsChangedError } from './rows-changed.error.js';

/** Rows that the transaction of an entity manager holds. */
export interface HeldRows extends LoadedRange {
  /** How many rows were loaded, with those that are locked or gone. */
  readonly loaded: number;
  /** Rows that somebody else holds: they are left for later. */
  readonly locked: readonly object[];
}

/**
 * Loads the rows of an entry and begins a transaction that locks them (guard `lock`). Rows that others wrote before they
 * were locked are loaded again, so that the handler sees what it will overwrite. It never waits for a lock.
 *
 * The rows are loaded before the transaction begins: at the isolation level repeatable read, the transaction would not
 * see what others wrote after its first read.
 *
 * @throws RowsChangedError where the source has no keys to load single rows again by
 */
export async function holdRows(
  execution: Execution,
  entry: RangeEntry,
  em: EntityManager,
): Promise<HeldRows> {
  const { backfill, rowsExact = false, signal } = execution;
  const { name, source } = backfill;
  const load = (what: RangeEntry) =>
    loadRows({ backfill, entry: what, rowsExact }, { em, signal, backfill: name });
  const snapshot = readsDatabase(source) ? await takeSnapshot(em) : null;
  const { rows, missing } = await load(entry);
  await em.begin();
  const { changed, locked } = await findChangedRows(em, entitiesOf(rows), new RowImages(), {
    snapshot,
    columns: null,
  });
  const loaded = rows.length;
  if (changed.length + locked.length === 0) {
    return { rows, missing, locked, loaded };
  }
  if (!source.keyOf || !source.loadKeys) {
    throw new RowsChangedError({ changed, locked }, false);
  }
  const keyOf = (row: unknown) => JSON.stringify(source.keyOf?.(row));
  const unit = em.getUnitOfWork();
  [...changed, ...locked].forEach((entity) => unit.unsetIdentity(entity));
  const keys = changed.map((row) => source.keyOf?.(row) ?? null);
  const again = changed.length === 0 ? [] : (await load(entryOfKeys(entry, keys))).rows;
  await requireCurrent(em, source, again);
  const current = new Map(again.map((row) => [keyOf(row), row]));
  const stale = new Set<unknown>(changed);
  const skipped = new Set<unknown>(locked);
  const held = rows
    .filter((row) => !skipped.has(row))
    // A row that was deleted, or that no longer matches the source, is not among those that were loaded again.
    .flatMap((row) => (stale.has(row) ? (current.get(keyOf(row)) ?? []) : [row]));
  return { rows: held, missing, locked, loaded };
}

/** A source of the app's own may answer rows from elsewhere than the database. */
async function requireCurrent(
  em: EntityManager,
  source: BackfillSource,
  rows: readonly unknown[],
): Promise<void> {
  if (!readsDatabase(source)) {
    const found = await findChangedRows(em, entitiesOf(rows), new RowImages(), {
      snapshot: null,
      columns: null,
    });
    if (found.changed.length + found.locked.length > 0) {
      throw new RowsChangedError(found, false);
    }
  }
}

function entitiesOf(rows: readonly unknown[]): object[] {
  return rows.filter((row) => Utils.isEntity<object>(row));
}
