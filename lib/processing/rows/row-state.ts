import type { EntityManager } from '@mikro-orm/core';
import type { JsonValue } from '../../sources/backfill-source.js';
import type { GuardedRows } from '../guard/load-guarded.js';

/** Rows that share an entity manager, and so a unit of work: they are flushed and acknowledged together. */
export interface FlushGroup {
  readonly em: EntityManager;
  /** Flushes what the handlers changed; answers the rows that were left out. */
  readonly flush: GuardedRows['flush'];
  running: number;
  /** True once no further row joins it. */
  closed: boolean;
  /** Rows that failed while others were running, whose transactions may have given them back to `em` by the flush. */
  readonly failed: object[];
}

/** A group of loaded rows of which none has begun. */
export function newGroup({ em, flush }: Pick<FlushGroup, 'em' | 'flush'>): FlushGroup {
  return { em, flush, running: 0, closed: false, failed: [] };
}

/**
 * Where a row stands: pending → running → done → acknowledged, running → failed | changed | pending, pending → gone,
 * done → changed → pending | failed, done → locked.
 *
 * - `pending`: not started, or stopped while it waited for its quota
 * - `running`: has a permit, and waits for its quota or its handler
 * - `done`: its handler returned; the flush of its group is to come
 * - `acknowledged`: flushed, and counted in Redis before the end of the range
 * - `failed`: its handler threw or timed out
 * - `changed`: others wrote it while its handler worked on it, or contended with it; it is to be loaded and handled again
 * - `locked`: a transaction of somebody else holds it; it is left for later
 * - `gone`: no longer matched the source when the pending rows were loaded again
 */
export type RowStatus =
  'pending' | 'running' | 'done' | 'acknowledged' | 'failed' | 'changed' | 'locked' | 'gone';

/** A row that is processed, and where it stands. */
export interface RowState {
  readonly key: JsonValue;
  /** The row as its source loaded it; `null` once it is done, to free its memory. */
  data: unknown;
  group: FlushGroup;
  /** How many times it was changed by others, or contended with them. */
  rounds: number;
  status: RowStatus;
}
