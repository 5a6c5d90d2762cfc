import { z } from 'zod';
import type { UndoConflict, UndoConflictPage } from '../../journal/undo-conflicts.js';
import type { DatabaseReceipt, RetryReceipt, RunReceipt } from '../../state/run-actions.js';
import type { BackfillChange, BackfillRun } from '../../state/backfill-run.js';
import type { BackfillHistoryEntry } from '../../state/history.store.js';
import type { BackfillSample } from '../../state/sample.store.js';
import {
  count,
  time,
  text,
  json,
  runState,
  progress,
  rowsMissing,
  rowsRechecked,
  params,
  journal,
  finishBy,
} from './response-fields.js';
import type { Shape } from './response-fields.js';
import { forecastOutcome } from './forecast-fields.js';
import { expectedLateness } from './lateness-fields.js';
import { verified, canary } from './verdict-fields.js';
import { configShape } from './config-responses.js';

const receipt = {
  runId: text,
  state: runState,
  changed: z.boolean().describe('false: nothing changed, the run was in this state before'),
  late: z
    .object(expectedLateness)
    .nullable()
    .optional()
    .describe(
      'Of a start with finishBy: the run is expected to end later; null: it is not, or that is not known',
    ),
  databases: z
    .array(
      z.object({
        backfill: text,
        runId: text.nullable(),
        state: runState.nullable(),
        changed: z.boolean(),
        error: text.nullable().describe('Why it was refused; null: it was not'),
      } satisfies Shape<DatabaseReceipt>),
    )
    .optional()
    .describe('Of a backfill whose partitions are in several databases: what became of each'),
} satisfies Shape<RunReceipt>;

export const receiptResponse = z.object(receipt);
export const retryResponse = z.object({
  ...receipt,
  retried: count,
  unknownIds: z.array(text).describe('Requested ids that are ids of no failure of the run'),
} satisfies Shape<RetryReceipt>);

const changeResponse = z.object({
  kind: text,
  at: time,
  by: text.nullable(),
  reason: text.nullable(),
  from: json,
  to: json,
} satisfies Shape<BackfillChange>);

export const runResponse = z.object({
  id: text,
  name: text,
  status: runState,
  statusReason: text.nullable(),
  startedAt: time,
  finishedAt: time.nullable(),
  finishBy,
  startedBy: text.nullable(),
  reason: text.nullable(),
  dryRun: z.boolean(),
  version: text.nullable(),
  params,
  ...progress,
  rowsMissing,
  rowsRechecked,
  ...journal,
  verified,
  canary,
  forecast: forecastOutcome,
  rowsTotal: count.nullable(),
  failures: count,
  configAtStart: z.object(configShape).nullable().describe('With which it was started; null: not recorded'),
  config: z.object(configShape).nullable().describe('In force at its end, or now; null: not recorded'),
  changes: z.array(changeResponse).optional().describe('Actions on the run; recorded with ledger: true'),
} satisfies Shape<BackfillRun>);

export const conflictsResponse = z.object({
  items: z.array(
    z.object({
      table: text.describe('Quoted as SQL writes it'),
      key: json.describe('The primary key as text; of several columns, a list of texts'),
      reason: z.enum(['changed', 'gone', 'exists', 'blocked']),
      columns: z.array(text).describe('Columns that have not been given back'),
    } satisfies Shape<UndoConflict>),
  ),
  next: text.nullable().describe('`after` of the next page; null: this is the last'),
} satisfies Shape<UndoConflictPage>);

export const samplesResponse = z.array(
  z.object({
    at: z.number().describe('Epoch milliseconds'),
    done: count,
    rowsDone: count,
    rowsFailed: count,
    outstanding: count,
    perSecond: z.number().nullable(),
    concurrency: z.number().nullable().describe('At once in each process; null: it is fixed, or not known'),
  } satisfies Shape<BackfillSample>),
);

export const historyResponse = z.array(
  z.object({
    id: text,
    type: text,
    backfill: text,
    runId: text.nullable(),
    at: time,
    data: z.record(z.string(), z.unknown()),
  } satisfies Shape<BackfillHistoryEntry>),
);
