import { Injectable } from '@nestjs/common';
import { Duration } from 'luxon';
import { countOf } from '../errors/count-of.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import type { RunRecord } from '../state/run-record.js';
import { RunStore } from '../state/run.store.js';
import { describeEvent } from './describe-event.js';

/** Logs each change of the state of a run: what happened, who did it and why, how many rows are done, and since when. */
@Injectable()
export class RunLog {
  private readonly logger = new BackfillLogger();
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly runs: RunStore) {}

  /** Logs an event where it changes the state of its run, after those before it. Never rejects. */
  onEvent(event: BackfillEvent): Promise<void> {
    const text = describeEvent(event);
    const { runId } = event;
    if (text !== null && runId !== null) {
      this.last = this.last.then(() => this.write(event, runId, text));
    }
    return this.last;
  }

  private async write(event: BackfillEvent, runId: string, text: string): Promise<void> {
    const { backfill, type, data } = event;
    const run = await this.read(backfill, runId);
    const scope = { backfill, runId, event: type, ...data, ...(run && fieldsOf(run, event)) };
    const line = run && type !== 'started' ? `${text}; ${progressOf(run, event)}` : text;
    if (type === 'throttled') {
      this.logger.limit('held', 'log', scope, line);
    } else {
      this.logger.write(type === 'stalled' || type === 'late' ? 'warn' : 'log', scope, line);
    }
  }

  /** `null` where it cannot be read now. The line says then what the event says. */
  private async read(backfill: string, runId: string): Promise<RunRecord | null> {
    try {
      return await this.runs.read(runId);
    } catch (error) {
      this.logger.write('debug', { backfill, runId }, `the run cannot be read: ${String(error)}`);
      return null;
    }
  }
}

function fieldsOf(run: RunRecord, event: BackfillEvent): Record<string, unknown> {
  const { rowsDone, rowsFailed, rowsTotal } = run;
  return { rowsDone, rowsFailed, rowsTotal, durationMs: durationMs(run, event) };
}

function progressOf(run: RunRecord, event: BackfillEvent): string {
  const { rowsDone, rowsTotal, rowsExact } = run;
  const of = `${rowsDone.toLocaleString('en-US')} of ${rowsExact ? '' : 'about '}${countOf(rowsTotal, 'row')}`;
  return `${of} done ${durationText(durationMs(run, event))} after its start`;
}

function durationMs({ startedAt, finishedAt }: RunRecord, { at }: BackfillEvent): number {
  return Math.max(0, (finishedAt ?? Date.parse(at)) - startedAt);
}

/** In whole seconds, or ms below one: `2 hr, 5 min`. */
function durationText(ms: number): string {
  const rounded = ms < 1_000 ? ms : Math.round(ms / 1_000) * 1_000;
  return Duration.fromMillis(rounded).rescale().toHuman({ unitDisplay: 'short' }) || '0 ms';
}
