import { Injectable } from '@nestjs/common';
import type { EntityMetadata } from '@mikro-orm/core';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { entityOf } from '../sources/source-entity.js';
import { RunStore } from '../state/run.store.js';
import { RunBreaker } from '../supervision/run.breaker.js';
import { JournalStore } from './journal.store.js';
import type { RunJournal } from './run-journal.js';

const DAY_MS = 24 * 3_600_000;
/** The time until which a journal is kept moves on by this, while its run writes. */
const KEEP_STEP_MS = 3_600_000;

/** Creates the journals that the runs of this process write. */
@Injectable()
export class Journals {
  constructor(
    private readonly store: JournalStore,
    private readonly managers: EntityManagers,
    private readonly runs: RunStore,
    private readonly breaker: RunBreaker,
  ) {}

  /** The journal of a run; `undefined` where its backfill has no `undo`. */
  of({ name, source, undo }: RegisteredBackfill, runId: string): RunJournal | undefined {
    if (!undo) {
      return undefined;
    }
    const { columns, keepDays, maxRows } = undo;
    const entity = columns && entityOf(source, { em: this.managers.fork(), backfill: name });
    let openedAt = -Infinity;
    let isFull = false;
    return {
      runId,
      backfill: name,
      columnsOf: (meta) => (columns && entity && meta.root === entity.root ? fieldsOf(meta, columns) : null),
      open: async () => {
        const now = performance.now();
        if (now - openedAt >= KEEP_STEP_MS) {
          await this.store.keep(runId, name, new Date(Date.now() + keepDays * DAY_MS + KEEP_STEP_MS));
          openedAt = now;
        }
      },
      count: async (rows) => {
        const total = rows === 0 ? null : await this.runs.count(runId, 'journaled', rows);
        if (total !== null && maxRows !== null && total >= maxRows && !isFull) {
          isFull = true;
          await this.breaker.pause(name, runId, fullReason(total, maxRows));
        }
      },
    };
  }
}

function fieldsOf(meta: EntityMetadata, properties: readonly string[]): readonly string[] {
  return properties.flatMap((name) => meta.properties[name as never]?.['fieldNames'] ?? []);
}

function fullReason(rows: number, maxRows: number): string {
  return (
    `the journal for undo has ${rows} rows, and undo.maxRows is ${maxRows}. Raise or remove maxRows and deploy, then ` +
    'resume; or cancel the run, or undo it'
  );
}
