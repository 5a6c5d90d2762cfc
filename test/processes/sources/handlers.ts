import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Type } from '@nestjs/common';
import { array, csvFile } from 'nestjs-backfill';
import type { BackfillContext, BackfillRange, BackfillSource, CsvRecord } from 'nestjs-backfill';
import { defineBackfill } from '../../support/apps/define-backfill.js';

export const SOURCES = ['path', 'stream', 'items'] as const;
export const ROWS = 240;
export const BATCH = 10;

/** What the handlers of a process do. */
export interface HandlerPlan {
  /** Path of the CSV file. */
  readonly path: string;
  /** Rows after this one are held: their handler waits until it is aborted. Default: none. */
  readonly holdAfter?: number;
}

interface Row {
  readonly id: number;
}

const numbers = Array.from({ length: ROWS }, (_, i) => i + 1);

/** A file with what a reader may cut in the wrong place. */
export const CSV = `\uFEFFname,id\r\n${numbers.map((id) => `"“${id}”, ""😀""\nsecond line",${id}\r\n`).join('\r\n')}`;

const CONFIG = {
  perSecondOnPeak: null,
  perSecondOffPeak: null,
  // Far fewer ranges than there are, so that the process that takes a run over also plans.
  maxOutstanding: 12,
  attempts: 2,
  backoffMs: 1,
};

/** A batch and a row handler for each source, which write the rows that they are given to the table `handled`. */
export function handlersOf(plan: HandlerPlan): Type[] {
  const parse = ({ id }: CsvRecord): Row => ({ id: Number(id) });
  const sources: Record<(typeof SOURCES)[number], BackfillSource<BackfillRange, Row>> = {
    path: csvFile(plan.path, { parse }),
    stream: csvFile(() => createReadStream(plan.path, { highWaterMark: 1_000 }), { parse }),
    items: array(() => numbers.map((id) => ({ id }))),
  };
  return SOURCES.flatMap((source) => [
    defineBackfill<BackfillRange, Row>({
      name: `${source}-batches`,
      source: sources[source],
      config: { ...CONFIG, batchSize: BATCH },
      processBatch: async (rows, context) => {
        for (const row of rows) {
          await write(`${source}-batches`, row, context);
        }
        if (rows.some((row) => isHeld(row, plan))) {
          await aborted(context);
        }
      },
    }),
    defineBackfill<BackfillRange, Row>({
      name: `${source}-rows`,
      source: sources[source],
      config: { ...CONFIG, batchSize: 60, rowAckMs: 10, concurrency: 1, rowConcurrency: 1 },
      processRow: async (row, context) => {
        if (isHeld(row, plan)) {
          await aborted(context);
        }
        // So that rows are acknowledged within a range.
        await sleep(5);
        await write(`${source}-rows`, row, context);
      },
    }),
  ]);
}

function isHeld({ id }: Row, { holdAfter = Infinity }: HandlerPlan): boolean {
  return id > holdAfter;
}

async function write(backfill: string, { id }: Row, { em }: BackfillContext): Promise<void> {
  const sql = 'INSERT INTO handled (backfill, id, pid) VALUES (?, ?, ?)';
  await (em as SqlEntityManager).execute(sql, [backfill, id, process.pid]);
}

async function aborted({ signal }: BackfillContext): Promise<never> {
  await sleep(600_000, undefined, { signal, ref: false });
  throw new Error('Expected a held handler to be aborted');
}
