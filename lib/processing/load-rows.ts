import type { BackfillSource, SourceContext } from '../sources/backfill-source.js';
import { loadKeys } from '../sources/load-keys.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { Execution } from './execution.js';

/** The rows of a range, and how many more should be among them. */
export interface LoadedRange {
  readonly rows: unknown[];
  /** Rows that were planned, are still there and were not loaded. */
  readonly missing: number;
}

/** Loads the rows of a range, or those with the keys of the entry, and compares their number with the planned one. */
export async function loadRows(
  { backfill, entry, rowsExact = false }: Pick<Execution, 'backfill' | 'entry' | 'rowsExact'>,
  context: SourceContext,
): Promise<LoadedRange> {
  const { source } = backfill;
  const { payload } = entry;
  if (payload.kind === 'rows') {
    const { keys, partition, unfiltered = false } = payload;
    // By the contract of `loadKeys`, rows that it leaves out no longer exist or no longer match.
    return { rows: await loadKeys(source, context, keys, partition, unfiltered), missing: missingOf(entry) };
  }
  const rows = (await source.load?.(context, payload.range, payload.partition)) ?? [];
  const absent = plansExactRows(source, rowsExact) ? entry.rows - rows.length : 0;
  if (absent <= 0) {
    return { rows, missing: 0 };
  }
  const present = await source.countPlanned?.(context, payload.range, payload.partition, entry.rows);
  const missing = present === undefined ? absent : Math.min(absent, Math.max(0, present - rows.length));
  return { rows, missing };
}

/** The missing rows of a range that has become rows by their keys: it counts for more rows than it has keys. */
export function missingOf({ payload, rows }: Pick<RangeEntry, 'payload' | 'rows'>): number {
  return payload.kind === 'rows' ? Math.max(0, rows - payload.keys.length) : 0;
}

function plansExactRows(source: BackfillSource, rowsExact: boolean): boolean {
  return source.countPlanned !== undefined || (rowsExact && source.estimatesRows !== true);
}
