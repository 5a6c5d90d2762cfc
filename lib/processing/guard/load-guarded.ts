import { Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/core';
import { FlushJournal } from '../../journal/flush.journal.js';
import type { RangeEntry } from '../../state/range-entry.js';
import type { Execution } from '../execution.js';
import { loadRows } from '../load-rows.js';
import type { LoadedRange } from '../load-rows.js';
import { takeSnapshot } from './database-snapshot.js';
import { readsDatabase } from '../../sources/source-entity.js';
import { requireLocks } from './require-guard.js';
import type { LeftOut } from './rows-changed.error.js';
import { WriteGuard } from './write-guard.js';

const NOTHING_LEFT_OUT: LeftOut = { changed: [], locked: [] };

/** Rows that a handler is given, and the flush of what it changed. */
export interface GuardedRows extends LoadedRange {
  /** Flushes; answers the rows that were left out. */
  readonly flush: () => Promise<LeftOut>;
}

/** Loads the rows of an entry, guarded as the backfill asks for. */
export async function loadGuarded(
  execution: Execution,
  entry: RangeEntry,
  em: EntityManager,
): Promise<GuardedRows> {
  const { backfill, dryRun, guardsDryRun, journal, rowsExact, signal } = execution;
  const { guard = 'recheck', name, source } = backfill;
  const load = () =>
    loadRows({ backfill, entry, rowsExact: rowsExact ?? false }, { em, signal, backfill: name });
  // A dry run writes nothing in the end.
  const isGuarded = guard !== 'none' && (!dryRun || guardsDryRun === true);
  if (!isGuarded && !journal) {
    return unguarded(await load(), em);
  }
  const flushJournal = journal ? new FlushJournal(journal) : null;
  if (!isGuarded) {
    const writes = new WriteGuard(em, { guard: null, journal: flushJournal });
    return { ...(await load()), flush: () => writes.flush() };
  }
  const snapshot = readsDatabase(source) ? await takeSnapshot(em) : null;
  const loaded = await load();
  const entities = loaded.rows.filter((row) => Utils.isEntity<object>(row));
  if (entities.length === 0 && !flushJournal) {
    return unguarded(loaded, em);
  }
  requireLocks(em, name);
  const columns = typeof guard === 'object' ? guard.columns : null;
  const writes = new WriteGuard(em, { guard: { snapshot, columns }, journal: flushJournal });
  writes.watch(entities);
  return { ...loaded, flush: () => writes.flush() };
}

function unguarded(loaded: LoadedRange, em: EntityManager): GuardedRows {
  return {
    ...loaded,
    flush: async () => {
      await em.flush();
      return NOTHING_LEFT_OUT;
    },
  };
}
