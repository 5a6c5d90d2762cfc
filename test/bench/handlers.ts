import { setTimeout as sleep } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import { Pool } from 'pg';
import { idRange, keyset } from 'nestjs-backfill';
import type { BackfillConfigPatch, IdRange } from 'nestjs-backfill';
import { defineBackfill } from '../support/apps/define-backfill.js';
import { numbers, type NumberRange, type NumberRow } from '../support/apps/number.source.js';
import type { BenchPlan } from './bench-plan.js';
import { epochMs } from './epoch-ms.js';
import { BenchNote, BenchRow, IdRow, NarrowRow, WalkRow } from './bench-rows.entity.js';

/** When ranges began, by backfill, epoch ms. */
export const starts = new Map<string, number[]>();

/** Rows that the backfill `endless` has updated in this process. */
export const endless = { rows: 0 };

const UNPACED: BackfillConfigPatch = { perSecondOnPeak: null, perSecondOffPeak: null };

/** Rates that `pace` runs at, and the name of the backfill of each. */
export const PACES = [0.5, 3, 7.5, 100, 1000] as const;

/** The backfill that `pace` runs at a rate. */
export function paceName(perSecond: number): string {
  return `pace-${String(perSecond).replace('.', '-')}`;
}

/** Ms that a row of `wait` takes. */
export const WAIT_MS = 11;

/** Ms that a range of `slow` takes. */
export const SLOW_MS = 1_000;

/** Numbers that `slow` has processed in this process. */
export const slow: number[] = [];

/** A range of `held` that has begun. */
export interface HeldRange {
  readonly low: number;
  /** Epoch ms. */
  readonly at: number;
}

/** Ranges of `held` that have begun in this process. */
export const held: HeldRange[] = [];

/** The handlers of an app under test. */
export function handlersOf(plan: BenchPlan): Type[] {
  const config = { ...UNPACED, ...plan.config };
  const ranges = plan.ranges ?? 0;
  // That of the loop beside it: what an ORM adds to a statement is nobody's orchestration.
  const pool = new Pool({ connectionString: plan.databaseUrl, max: 4 });
  const paced = (perSecond: number) => {
    const name = paceName(perSecond);
    const began: number[] = [];
    starts.set(name, began);
    return defineBackfill<NumberRange>({
      name,
      source: numbers(10_000_000),
      config: { ...config, batchSize: 1, perSecondOnPeak: perSecond, perSecondOffPeak: perSecond },
      processRange: () => {
        began.push(epochMs());
      },
    });
  };
  // As many as its largest concurrency.
  const widePool = new Pool({ connectionString: plan.databaseUrl, max: 16 });
  return [
    defineBackfill<NumberRange>({
      name: 'endless',
      source: numbers(1_000_000_000_000),
      config: { ...config, batchSize: 1000 },
      processRange: async ({ low, high }) => {
        // The table again and again, in a walk of numbers that does not end.
        const first = (low % Math.max(1, ranges)) + 1;
        await widePool.query('UPDATE bench_rows SET state = state + 1 WHERE id BETWEEN $1 AND $2', [
          first,
          first + high - low,
        ]);
        endless.rows += high - low + 1;
      },
    }),
    defineBackfill<NumberRange>({
      name: 'noop',
      source: numbers(ranges),
      config: { ...config, batchSize: 1 },
      processRange: () => undefined,
    }),
    defineBackfill<IdRange>({
      name: 'sql',
      source: idRange(BenchRow),
      config: { ...config, batchSize: 1000 },
      processRange: async ({ begin, end }: IdRange) => {
        await pool.query('UPDATE bench_rows SET state = state + 1 WHERE id BETWEEN $1 AND $2', [begin, end]);
      },
    }),
    defineBackfill<IdRange, BenchRow>({
      name: 'entities',
      source: idRange(BenchRow),
      ...(plan.journaled ? { undo: {} } : {}),
      config: { batchSize: 100, ...config },
      processBatch: (rows) => {
        for (const row of rows) {
          row.state++;
        }
      },
    }),
    defineBackfill<IdRange, BenchRow>({
      name: 'rows',
      source: idRange(BenchRow),
      config,
      processRow: (row) => {
        row.state++;
      },
    }),
    defineBackfill<IdRange, BenchRow>({
      name: 'related',
      source: idRange(BenchRow),
      config,
      processBatch: (rows, { em }) => {
        for (const row of rows) {
          em.create(BenchNote, { row, body: row.body });
        }
      },
    }),
    defineBackfill<IdRange, BenchRow>({
      name: 'verified',
      source: keyset(BenchRow, { orderBy: { id: 'asc' }, where: { state: 0 } }),
      config: { batchSize: 100, ...config },
      verify: { row: (row) => (row as BenchRow).state === 1 },
      processBatch: (rows) => {
        for (const row of rows) {
          row.state = 1;
        }
      },
    }),
    defineBackfill<NumberRange, NumberRow>({
      name: 'wait',
      source: numbers(ranges),
      config: { ...config, batchSize: 20 },
      processRow: async () => {
        await sleep(WAIT_MS);
      },
    }),
    defineBackfill<NumberRange, NumberRow>({
      name: 'api',
      source: numbers(10_000_000),
      config: { concurrency: 1, ...config },
      processRow: async () => {
        await sleep(WAIT_MS);
      },
    }),
    defineBackfill<NumberRange, WalkRow>({
      name: 'load',
      source: keyset(WalkRow, { orderBy: { id: 'asc' } }),
      config: { ...config, batchSize: 250 },
      processBatch: () => undefined,
    }),
    defineBackfill({
      name: 'walk',
      source: keyset(WalkRow, { orderBy: { id: 'asc' } }),
      config: { ...config, batchSize: 100 },
      processRange: () => undefined,
    }),
    defineBackfill<IdRange>({
      name: 'billion',
      source: idRange(IdRow),
      config: { ...config, batchSize: 10_000 },
      processRange: () => undefined,
    }),
    defineBackfill({
      name: 'narrow',
      source: keyset(NarrowRow, { orderBy: { id: 'asc' } }),
      config: { ...config, batchSize: 1_000 },
      processRange: () => undefined,
    }),
    defineBackfill<NumberRange>({
      name: 'slow',
      source: numbers(ranges),
      config: { ...config, batchSize: 1 },
      processRange: async ({ low }) => {
        await sleep(SLOW_MS);
        slow.push(low);
      },
    }),
    defineBackfill<NumberRange>({
      name: 'held',
      source: numbers(ranges),
      config: { ...config, batchSize: 1 },
      processRange: async ({ low }) => {
        held.push({ low, at: epochMs() });
        await sleep(plan.rangeMs ?? 0);
      },
    }),
    ...PACES.map(paced),
  ];
}
