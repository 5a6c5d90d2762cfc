import type { EntityManager } from '@mikro-orm/core';
import type { RangeEntry } from '../state/range-entry.js';
import type { Execution } from './execution.js';
import type { RowSampler } from './row.sampler.js';

/** Adds rows that a handler is about to be given to the sample of the run. */
export async function sampleRows(
  { backfill: { source }, sampler }: Execution,
  entry: RangeEntry,
  rows: readonly unknown[],
): Promise<void> {
  await sampler?.add(entry, rows.length, false, async (positions) =>
    positions.map((position) => source.keyOf?.(rows[position])),
  );
}

/** The same for a range handler, whose rows are loaded where some of them are drawn. */
export async function sampleRange(
  { backfill: { name, source }, entry, signal }: Execution,
  sampler: RowSampler,
  fork: () => EntityManager,
): Promise<void> {
  const { payload } = entry;
  if (payload.kind === 'rows') {
    return;
  }
  await sampler.add(entry, entry.rows, true, async (positions) => {
    const em = fork();
    try {
      const context = { em, signal, backfill: name };
      const rows = (await source.load?.(context, payload.range, payload.partition)) ?? [];
      return positions.map((position) =>
        position < rows.length ? source.keyOf?.(rows[position]) : undefined,
      );
    } finally {
      em.clear();
    }
  });
}
