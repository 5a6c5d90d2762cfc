import { BigIntType, EntitySchema } from '@mikro-orm/core';
import type { LedgerChange, LedgerCheckpoint, LedgerFailure, LedgerRun } from './ledger-rows.js';

// With explicit column names, the schema does not depend on the naming strategy of the app.
const key = (fieldName: string) => ({ type: 'string', length: 255, fieldName }) as const;
const word = key;
const text = (fieldName: string) => ({ type: 'text', fieldName }) as const;
const json = (fieldName: string) => ({ type: 'json', fieldName }) as const;
const time = (fieldName: string) => ({ type: 'datetime', length: 3, fieldName }) as const;
const flag = (fieldName: string) => ({ type: 'boolean', fieldName }) as const;
const count = (fieldName: string) => ({ type: new BigIntType('number'), fieldName }) as const;
const nullable = { nullable: true } as const;
const primary = { primary: true } as const;

export const RunSchema = new EntitySchema<LedgerRun>({
  name: 'BackfillLedgerRun',
  tableName: 'backfill_runs',
  indexes: [{ name: 'backfill_runs_newest', properties: ['scope', 'backfill', 'startedAt'] }],
  properties: {
    id: { ...key('id'), ...primary },
    scope: word('scope'),
    backfill: word('backfill'),
    status: word('status'),
    statusReason: { ...text('status_reason'), ...nullable },
    startedAt: time('started_at'),
    finishedAt: { ...time('finished_at'), ...nullable },
    startedBy: { ...text('started_by'), ...nullable },
    startReason: { ...text('start_reason'), ...nullable },
    dryRun: flag('dry_run'),
    version: { ...text('version'), ...nullable },
    sourceKind: word('source_kind'),
    partitions: { ...json('partitions'), ...nullable },
    config: { ...json('config'), ...nullable },
    rowsTotal: count('rows_total'),
    planned: count('planned'),
    done: count('done'),
    outstanding: count('outstanding'),
    failed: count('failed'),
    rowsDone: count('rows_done'),
    rowsFailed: count('rows_failed'),
    failures: count('failures'),
    lastError: { ...text('last_error'), ...nullable },
    revision: count('revision'),
  },
});

export const CheckpointSchema = new EntitySchema<LedgerCheckpoint>({
  name: 'BackfillLedgerCheckpoint',
  tableName: 'backfill_checkpoints',
  properties: {
    runId: { ...key('run_id'), ...primary },
    takenAt: time('taken_at'),
    revision: count('revision'),
    cursors: { ...json('cursors'), ...nullable },
    state: json('state'),
    work: json('work'),
    failuresThrough: count('failures_through'),
  },
});

export const FailureSchema = new EntitySchema<LedgerFailure>({
  name: 'BackfillLedgerFailure',
  tableName: 'backfill_failures',
  indexes: [{ name: 'backfill_failures_by_id', properties: ['runId', 'failureId'] }],
  properties: {
    runId: { ...key('run_id'), ...primary },
    sequence: { ...count('sequence'), ...primary },
    failureId: word('failure_id'),
    record: text('record'),
  },
});

export const ChangeSchema = new EntitySchema<LedgerChange>({
  name: 'BackfillLedgerChange',
  tableName: 'backfill_changes',
  indexes: [
    { name: 'backfill_changes_by_backfill', properties: ['scope', 'backfill', 'at'] },
    { name: 'backfill_changes_by_run', properties: ['runId'] },
  ],
  properties: {
    id: { ...key('id'), ...primary },
    scope: word('scope'),
    backfill: word('backfill'),
    runId: { ...word('run_id'), ...nullable },
    kind: word('kind'),
    at: time('at'),
    by: { ...text('done_by'), ...nullable },
    reason: { ...text('reason'), ...nullable },
    from: { ...json('value_from'), ...nullable },
    to: { ...json('value_to'), ...nullable },
    data: { ...json('data'), ...nullable },
  },
});

/**
 * The entities of the durable ledger (`ledger: true`). Add them to `entities` of `MikroOrmModule.forRoot`.
 *
 * @example
 * ```ts
 * MikroOrmModule.forRoot({ entities: [Message, Account, ...BACKFILL_ENTITIES], ... })
 * ```
 *
 * @publicApi
 */
export const BACKFILL_ENTITIES: readonly EntitySchema[] = [
  RunSchema,
  CheckpointSchema,
  FailureSchema,
  ChangeSchema,
];
