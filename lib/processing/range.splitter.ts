import { Injectable, Inject } from '@nestjs/common';
import { concernsRun, isContended, mayConcernRow } from '../database/classify-error.js';
import { EntityManagers } from '../database/entity-managers.js';
import { retryOnContention } from '../database/retry-on-contention.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { JsonValue, SourceContext } from '../sources/backfill-source.js';
import { rowsOf } from '../state/range-entry.js';
import type { RangeEntry, RangePayload } from '../state/range-entry.js';
import type { RangePiece } from './decide-settlement.js';
import { loadRows, missingOf } from './load-rows.js';
import type { ServedRun } from './served-run.js';

/** The run whose range is split. */
type SplitRun = Pick<ServedRun, 'backfill'> & Partial<Pick<ServedRun, 'rowsExact'>>;
type PlannedPayload = Extract<RangePayload, { kind: 'range' }>;

/**
 * Splits a range in two, so that a failing row is found by bisection: for a range handler into ranges, for all others
 * into rows by their keys, or into ranges where its rows cannot be loaded.
 */
@Injectable()
export class RangeSplitter {
  constructor(@Inject(EntityManagers) private readonly managers: Pick<EntityManagers, 'fork'>) {}

  async split(run: SplitRun, entry: RangeEntry, signal: AbortSignal): Promise<readonly RangePiece[]> {
    const { payload } = entry;
    if (payload.kind === 'rows') {
      return halves(payload, payload.keys, missingOf(entry));
    }
    const { backfill } = run;
    const found = await this.reading(backfill, signal, (context) => keysOf(run, context, entry));
    return found
      ? halves(payload, found.keys, found.missing)
      : this.reading(backfill, signal, (context) => rangesOf(backfill, context, payload));
  }

  private async reading<Result>(
    backfill: RegisteredBackfill,
    signal: AbortSignal,
    read: (context: SourceContext) => Promise<Result>,
  ): Promise<Result> {
    const em = this.managers.fork(backfill);
    try {
      return await retryOnContention(
        () => read({ em, backfill: backfill.name }),
        signal,
        () => true,
      );
    } finally {
      em.clear();
    }
  }
}

/** The keys of the rows of a range; `null` where the handler takes ranges, or where some row cannot be loaded. */
async function keysOf(
  { backfill, rowsExact }: SplitRun,
  context: SourceContext,
  entry: RangeEntry,
): Promise<{ readonly keys: readonly JsonValue[]; readonly missing: number } | null> {
  const { source, shape } = backfill;
  if (shape === 'range' || !source.load || !source.keyOf || !source.loadKeys) {
    return null;
  }
  try {
    const { rows, missing } = await loadRows({ backfill, entry, rowsExact }, context);
    return { keys: rows.map((row) => source.keyOf?.(row) ?? null), missing };
  } catch (error) {
    if ((concernsRun(error) && !mayConcernRow(error)) || isContended(error)) {
      throw error;
    }
    // The row that cannot be loaded is found by its range, which is split without loading rows.
    return null;
  }
}

async function rangesOf(
  { source }: RegisteredBackfill,
  context: SourceContext,
  { range, partition }: PlannedPayload,
): Promise<RangePiece[]> {
  const ranges = (await source.split?.(context, range, partition)) ?? [];
  return ranges.map(({ data, rows }) => ({ payload: { kind: 'range', partition, range: data }, rows }));
}

/** The first half also counts for the rows that are missing: see `missingOf`. */
function halves(payload: RangePayload, keys: readonly JsonValue[], missing: number): RangePiece[] {
  const middle = Math.ceil(keys.length / 2);
  return [keys.slice(0, middle), keys.slice(middle)]
    .filter((half) => half.length > 0)
    .map((half, i) => ({
      payload: rowsOf(payload, half),
      rows: half.length + (i === 0 ? missing : 0),
    }));
}
