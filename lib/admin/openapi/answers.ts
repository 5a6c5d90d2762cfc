import { z } from 'zod';
import type { RetryReceipt, RunReceipt } from '../../state/backfill.options.js';
import { CONFIG_FIELDS } from '../../config/backfill-config.schema.js';
import type { ConfigInForce } from '../../config/config.store.js';
import type { BackfillPreview, PreviewRange } from '../../planning/backfill-preview.js';
import type {
  BackfillChange,
  BackfillFailure,
  BackfillRun,
  BackfillStatus,
  FailurePage,
} from '../../state/backfill-status.js';
import type { BackfillHistoryEntry } from '../../state/history.store.js';
import type { BackfillSample } from '../../state/sample.store.js';

const count = z.int();
const time = z.string().describe('ISO time');
const text = z.string();
const json = z.unknown().describe('JSON; bigint keys are texts');
const runState = z.enum(['running', 'paused', 'completed', 'failed', 'cancelled']);
const progress = {
  planned: count.describe('Ranges'),
  done: count.describe('Ranges'),
  outstanding: count.describe('Ranges'),
  failed: count.describe('Ranges'),
  rowsDone: count,
  rowsFailed: count,
};

// Each answer is checked against its type here and against the real thing in the tests.
type Shape<T> = { [K in keyof T]-?: z.ZodType };

const error = z.object({ name: text, message: text, stack: text.optional() });

export const statusAnswer = z.object({
  name: text,
  description: text.nullable(),
  state: z.enum(['idle', ...runState.options]),
  stateReason: text.nullable(),
  runId: text.nullable(),
  dryRun: z.boolean(),
  ...progress,
  rowsTotal: count.nullable(),
  rowsTotalKind: z.enum(['exact', 'estimated']).nullable(),
  percent: z.number().describe('0 to 100'),
  callsPerSecond: z.number().nullable().describe('What the quota lets through now; null: no limit is known'),
  rangesPerSecond: z.number().describe('Over the last minute'),
  rowsPerSecond: z.number().describe('Over the last minute'),
  eta: time.nullable(),
  rate: z.object({
    perSecond: z.number().nullable().describe('Ranges a second; null is unpaced'),
    reason: text,
  }),
  workers: count.describe('Processes that hold workers for it'),
  warnings: z.array(text),
  cursor: json,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  startedBy: text.nullable(),
  reason: text.nullable(),
  lastError: error.extend({ at: time }).nullable(),
} satisfies Shape<BackfillStatus>);

const receipt = {
  runId: text,
  state: runState,
  changed: z.boolean().describe('False when it was so already'),
} satisfies Shape<RunReceipt>;

export const receiptAnswer = z.object(receipt);
export const retryAnswer = z.object({ ...receipt, retried: count } satisfies Shape<RetryReceipt>);

const configShape = Object.fromEntries(
  Object.entries(CONFIG_FIELDS).map(([key, { schema, expected }]) => [
    key,
    documented(key, schema, expected),
  ]),
);

/** A config as OpenAPI can say it: what only a function can judge stands in the words beside it. */
function documented(key: string, schema: z.ZodType, expected: string): z.ZodType {
  const said = key === 'maxFailures' ? z.union([z.int(), z.string()]).nullable() : schema;
  return said.describe(`Expected: ${expected}`);
}

export const configPatch = z.object(configShape).partial();
export const configAnswer = z.object({
  config: z.object(configShape),
  patch: configPatch.describe('What operators have set'),
  version: text.describe('Also the ETag'),
} satisfies Shape<ConfigInForce>);

const changeAnswer = z.object({
  kind: text,
  at: time,
  by: text.nullable(),
  reason: text.nullable(),
  from: json,
  to: json,
} satisfies Shape<BackfillChange>);

export const runAnswer = z.object({
  id: text,
  name: text,
  status: runState,
  statusReason: text.nullable(),
  startedAt: time,
  finishedAt: time.nullable(),
  startedBy: text.nullable(),
  reason: text.nullable(),
  dryRun: z.boolean(),
  version: text.nullable(),
  ...progress,
  rowsTotal: count.nullable(),
  failures: count,
  changes: z.array(changeAnswer).optional().describe('What was done to it; kept where ledger: true'),
} satisfies Shape<BackfillRun>);

export const failuresAnswer = z.object({
  items: z.array(
    z.object({
      id: text,
      kind: z.enum(['range', 'row']),
      key: json,
      error,
      attempts: count,
      failedAt: time,
    } satisfies Shape<BackfillFailure>),
  ),
  next: text.nullable().describe('Give it as `after` for the next page'),
} satisfies Shape<FailurePage>);

export const previewAnswer = z.object({
  ranges: z.array(
    z
      .looseObject({
        index: count,
        partition: text.optional(),
        begin: json.optional(),
        end: json.optional(),
        first: json.optional(),
        last: json.optional(),
        runAt: time.nullable(),
      } satisfies Shape<PreviewRange>)
      .describe('`begin` and `end`, or `first` and `last`, or what a source of the app says instead'),
  ),
  total: count.describe('Ranges'),
  rowsTotal: count,
  rowsTotalKind: z.enum(['exact', 'estimated']),
  estimatedEnd: time.nullable(),
  warnings: z.array(z.object({ code: text, message: text })),
} satisfies Shape<BackfillPreview>);

export const samplesAnswer = z.array(
  z.object({
    at: z.number().describe('Epoch milliseconds'),
    done: count,
    rowsDone: count,
    rowsFailed: count,
    outstanding: count,
    perSecond: z.number().nullable(),
  } satisfies Shape<BackfillSample>),
);

export const historyAnswer = z.array(
  z.object({
    id: text,
    type: text,
    backfill: text,
    runId: text.nullable(),
    at: time,
    data: z.record(z.string(), z.unknown()),
  } satisfies Shape<BackfillHistoryEntry>),
);

export const errorAnswer = z.object({
  statusCode: count,
  message: text,
  error: text,
  code: text.describe('Stable across releases'),
  field: text.optional(),
  fields: z.array(z.object({ field: text, expected: text, received: text.optional() })).optional(),
});
