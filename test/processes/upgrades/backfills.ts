import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityName, FilterQuery } from '@mikro-orm/core';
import type { Type } from '@nestjs/common';
import { idRange, keyset, RateLimitedError } from 'nestjs-backfill';
import type { BackfillContext, IdRange, KeysetRange } from 'nestjs-backfill';
import { defineBackfill } from '../../support/apps/define-backfill.js';
import { tables, type Row } from './rows.entity.js';

/** Each handler shape, and both sources. */
export const NAMES = ['ids', 'keys', 'batches', 'rows'] as const;
export type Name = (typeof NAMES)[number];

export const ROWS = 240;
export const BATCH = 10;
export const RANGES = ROWS / BATCH;

/** Where handlers are held, by their positions in the walk. */
export const HELD_TABLE = 'CREATE TABLE held (name text NOT NULL, position int NOT NULL)';

/** What the handlers of a process do beside marking their rows. */
export interface HandlerPlan {
  /** What they mark rows with. */
  readonly version: 'release' | 'current';
  /** Position in the walk after which handlers are held: they wait until they are aborted. */
  readonly holdAfter?: Partial<Record<Name, number>>;
  /** Whether held handlers write first, so that their rows are written and not acknowledged. */
  readonly holdWritten?: boolean;
  /** Whether handlers are held that get a part of a range that was split. */
  readonly holdParts?: boolean;
  /** Ids of rows whose handler throws. */
  readonly broken?: readonly number[];
  /** Milliseconds that each handler waits for the database. */
  readonly callMs?: number;
  /** Whether each handler takes one call from the quota. */
  readonly quota?: boolean;
  /** Whether the first handler throws a `RateLimitedError`. */
  readonly limited?: boolean;
  /** Whether rows stop to match the `where` of the source when they are handled, so that runs can be swept. */
  readonly filtered?: boolean;
  /** Whether this version journals what batch and row handlers write, so that runs can be undone. */
  readonly undo?: boolean;
  /** Of the database in which this version has the rows of its backfills. Default: that of the release. */
  readonly otherDatabaseUrl?: string;
}

/** The window is far smaller than the tables, so that the version that takes a run over also plans. */
const CONFIG = {
  batchSize: BATCH,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
  maxOutstanding: 12,
  attempts: 2,
  backoffMs: 1,
  rowAckMs: 60_000,
  rowTimeoutMs: null,
};

/** The handlers of a process; `onCall` is called when a handler begins. */
export function handlersOf(plan: HandlerPlan, onCall: (name: Name) => void = () => {}): Type[] {
  let limited = plan.limited === true;
  const journaled = plan.undo && plan.version === 'current' ? { undo: {} } : {};
  const context = plan.otherDatabaseUrl === undefined ? {} : { contextName: 'other' };
  const scope = plan.filtered ? { where: { handledBy: '' } } : {};

  async function handle(name: Name, rows: readonly Row[], context: BackfillContext) {
    const { em, signal } = context;
    onCall(name);
    if (limited) {
      limited = false;
      throw new RateLimitedError(50);
    }
    if (plan.quota) {
      await context.quota();
    }
    if (plan.callMs !== undefined) {
      await em.getConnection().execute('SELECT pg_sleep(?)', [plan.callMs / 1000]);
    }
    const last = Math.max(...rows.map(({ id }) => (name === 'batches' ? ROWS + 1 - id : id)));
    const part = name !== 'rows' && rows.length < BATCH;
    const held = last > (plan.holdAfter?.[name] ?? Infinity) || (part && plan.holdParts);
    if (held && !plan.holdWritten) {
      await em.getConnection().execute('INSERT INTO held VALUES (?, ?)', [name, last]);
      await aborted(signal);
    }
    const broken = rows.find(({ id }) => plan.broken?.includes(id));
    if (broken) {
      throw new Error(`row ${broken.id} is broken`);
    }
    for (const row of rows) {
      row.handledBy += `${plan.version} `;
    }
    if (held) {
      await em.flush();
      await aborted(signal);
    }
  }

  async function handleRange(
    name: Name,
    entity: EntityName<Row>,
    where: FilterQuery<Row>,
    context: BackfillContext,
  ) {
    const rows = await context.em.find(entity, where);
    await handle(name, rows, context);
    await context.em.flush();
    return rows.length;
  }

  return [
    defineBackfill<IdRange<Row>>({
      name: 'ids',
      ...context,
      source: idRange(tables.ids, { direction: 'asc', ...scope }),
      config: CONFIG,
      processRange: ({ where }, context) => handleRange('ids', tables.ids, where, context),
    }),
    defineBackfill<KeysetRange<Row>>({
      name: 'keys',
      ...context,
      source: keyset(tables.keys, { orderBy: { createdAt: 'asc', id: 'asc' }, ...scope }),
      config: CONFIG,
      processRange: ({ where }, context) => handleRange('keys', tables.keys, where, context),
    }),
    defineBackfill<never, Row>({
      name: 'batches',
      ...context,
      ...journaled,
      source: keyset(tables.batches, { orderBy: { createdAt: 'desc', id: 'desc' }, ...scope }),
      config: CONFIG,
      processBatch: (rows, context) => handle('batches', rows, context),
    }),
    defineBackfill<never, Row>({
      name: 'rows',
      ...context,
      ...journaled,
      source: idRange(tables.rows, { direction: 'asc', ...scope }),
      // One row at a time: the number of rows done before the held one is known.
      config: { ...CONFIG, concurrency: 1 },
      processRow: (row, context) => handle('rows', [row], context),
    }),
  ];
}

async function aborted(signal: AbortSignal): Promise<never> {
  await sleep(600_000, undefined, { signal, ref: false });
  throw new Error('Expected a held handler to be aborted');
}
