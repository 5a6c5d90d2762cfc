import { z } from 'zod';
import type { UndoConflict, UndoConflictPage } from '../../journal/undo-conflicts.js';
import type { RetryReceipt, RunReceipt } from '../../state/run-actions.js';
import type { BackfillConfig } from '../../config/backfill-config.js';
import { CONFIG_FIELDS, CONFIG_KEYS } from '../../config/backfill-config.schema.js';
import type { ConfigInForce } from '../../config/config.store.js';
import type { BackfillPreview, PreviewRange } from '../../planning/backfill-preview.js';
import type {
  Rehearsal,
  RehearsedRow,
  RehearsedStatements,
  RehearsedTable,
} from '../../rehearsal/rehearsal.js';
import type { BackfillForecast, ForecastOutcome, ForecastRange } from '../../forecast/forecast.js';
import type { BackfillFailure, FailurePage } from '../../state/backfill-failure.js';
import type { FailureGroup, FailureGroups } from '../../state/failure-group.js';
import type { BackfillChange, BackfillRun } from '../../state/backfill-run.js';
import type { BackfillOverview, BackfillOverviewEntry } from '../../status/backfill-overview.js';
import type { BackfillStatus, HoldStatus, PartitionStatus } from '../../status/backfill-status.js';
import type { BackfillHistoryEntry } from '../../state/history.store.js';
import type { BackfillSample } from '../../state/sample.store.js';
import { CANARY_STATES } from '../../state/canary.js';
import type { CanaryStatus, CanaryVerdict, CanaryVerification } from '../../state/canary.js';
import type { SampleConfidence } from '../../state/sample-confidence.js';
import type { VerificationResult } from '../../state/verification.js';

const count = z.int();
const time = z.string().describe('ISO 8601 time');
const text = z.string();
const json = z.unknown().describe('JSON; bigint keys are strings');
const runState = z.enum(['running', 'verifying', 'paused', 'completed', 'failed', 'cancelled']);
const progress = {
  planned: count.describe('Ranges'),
  done: count.describe('Ranges'),
  outstanding: count.describe('Ranges'),
  failed: count.describe('Ranges'),
  rowsDone: count,
  rowsFailed: count,
};
const rowsMissing = count.describe('Rows that were planned, not loaded, and not known to be gone');
const rowsRechecked = count.describe(
  'Times that rows were handled again because others wrote or locked them',
);

const params = z
  .unknown()
  .describe('Parameters of the run, JSON with secret ones as ***; null: it was started without');

/** The journal of a run, and what its undo came to. */
const journal = {
  journaled: count.describe('Rows in the journal of the run, which an undo can give their old values back'),
  undoes: text.nullable().describe('Id of the run that this run undoes; null: it is no undo'),
  conflicts: count.describe('Rows that an undo has left, because others have written them'),
};

/** Makes the compiler compare a schema with the type that the service returns. */
type Shape<T> = { [K in keyof T]-?: z.ZodType };

const verified = z
  .object({
    left: count
      .nullable()
      .describe('Rows that matched the filter of the source when they were last counted; null: not counted'),
    swept: count.describe('Rows that sweeps processed'),
    sampled: count.describe('Rows of the sample that were read again and verified'),
    mismatched: count.describe('Rows of the sample that are wrong'),
    confidence: z
      .object({
        level: z.number().describe('0.95'),
        low: z.number().describe('Least share of wrong rows, 0 to 1'),
        high: z.number().describe('Largest share of wrong rows, 0 to 1'),
      } satisfies Shape<SampleConfidence>)
      .nullable()
      .describe('What the sample tells of all rows; null: no row was sampled yet'),
  } satisfies Shape<VerificationResult>)
  .nullable()
  .describe('What the verification of the run has found so far; null: the run is not verified');

const canary = z
  .object({
    rows: count.describe('Most rows to hand out'),
    maxFailures: count.describe('Most failures with which it passes'),
    handedOut: count.describe('Rows handed out so far'),
    state: z.enum(CANARY_STATES),
    verdict: z
      .object({
        passed: z.boolean(),
        reason: text,
        rowsDone: count,
        rowsFailed: count,
        failures: count,
        rowsMissing: count,
        rowsRepeated: count.describe('Rows of ranges that were claimed again'),
        rowsRechecked: count,
        throttles: count.describe('Times that the run was held or slowed down'),
        durationMs: z.number().describe('From the start of the run to the verdict'),
        msPerRow: z.number().nullable().describe('Of the ranges that succeeded; null: not measured'),
        verified: z
          .object({
            sampled: count.describe('Rows that were read again and verified'),
            mismatched: count.describe('Those of them that are wrong'),
          } satisfies Shape<CanaryVerification>)
          .nullable()
          .describe('What verify.row says of the rows; null: the handler has none, or failures came before'),
      } satisfies Shape<CanaryVerdict>)
      .nullable()
      .describe('null: not all rows are done'),
  } satisfies Shape<CanaryStatus>)
  .nullable()
  .describe('The first rows of the run, after which it pauses itself; null: it has no canary');

const error = z.object({ name: text, message: text, stack: text.optional() });

const forecastRange = z
  .object({ low: z.number(), expected: z.number(), high: z.number() } satisfies Shape<ForecastRange>)
  .nullable()
  .describe('With 90 % confidence from low to high; null: not known');

const forecast = z.object({
  measuredAt: time,
  measured: z.object({ rows: count, batches: count }),
  rowsTotal: z.number(),
  durationMs: forecastRange,
  limitedBy: z.enum(['rate', 'quota', 'handler']).nullable(),
  msPerRow: forecastRange,
  databaseMs: forecastRange,
  walBytes: forecastRange,
  walBytesPerSecond: forecastRange,
  hotShare: z.number().nullable().describe('Share of updates that touch no index'),
  tableGrowthBytes: forecastRange,
  indexGrowthBytes: forecastRange,
  calls: forecastRange.describe('Calls to the third party'),
  quotaMs: forecastRange.describe('How long the quota makes these calls take'),
  untouched: forecastRange.describe('Share of rows that already have the result, with 95 % confidence'),
} satisfies Shape<BackfillForecast>);

export const statusResponse = z.object({
  name: text,
  now: time.describe('When the status was read, by the clock of Redis'),
  description: text.nullable(),
  state: z.enum(['idle', ...runState.options]),
  stateSince: time.nullable().describe('Since when the state holds; null: not known, or no run yet'),
  stateReason: text.nullable(),
  pausedBy: text
    .nullable()
    .describe('Who paused a run that is paused: an operator, or nestjs-backfill; null: not known'),
  runId: text.nullable(),
  dryRun: z.boolean(),
  version: text.nullable().describe('Version of the handler that the run has'),
  adoptVersion: text
    .nullable()
    .describe(
      'What the run has to adopt to go on with the handler of the process that answers; null: nothing',
    ),
  params,
  paramsSchema: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe('JSON Schema of the parameters of a start; null: it takes none, or there is no such schema'),
  takesParams: z.boolean().describe('Whether a start takes parameters'),
  ...progress,
  rowsMissing,
  rowsRechecked,
  ...journal,
  verified,
  canary,
  rowsTotal: count.nullable(),
  rowsTotalKind: z.enum(['exact', 'estimated']).nullable(),
  percent: z.number().describe('0 to 100'),
  callsPerSecond: z
    .number()
    .nullable()
    .describe(
      'Calls a second allowed by the quota or by rate limits of a third party; null: no limit is known',
    ),
  rangesPerSecond: z.number().describe('Average of the last minute'),
  rowsPerSecond: z.number().describe('Average of the last minute'),
  eta: time
    .nullable()
    .describe('Estimated end by the rate in force; null: nothing moves, or it is not known'),
  forecast: z
    .object({
      forecast,
      actual: z.object({ durationMs: z.number(), rows: count, rowsPerSecond: z.number() }),
    } satisfies Shape<ForecastOutcome>)
    .nullable()
    .describe('What the run was forecast to cost, and what has come true; null: it was not rehearsed before'),
  held: z
    .object({
      reason: text,
      since: time.nullable().describe('null: not known'),
      until: time.nullable().describe('null: the end is not known'),
    } satisfies Shape<HoldStatus>)
    .nullable()
    .describe('Why a running run starts nothing now; null: it does'),
  activeAt: time.nullable().describe('When something was last done; null: nothing yet, or not known'),
  stalled: z
    .boolean()
    .describe(
      'Running and not held, but nothing was done for a minute and three intervals of the rate in force',
    ),
  rate: z.object({
    perSecond: z.number().nullable().describe('Ranges a second; null: unpaced'),
    reason: text,
  }),
  throttlePressure: z.number().describe('Pressure of the throttles: 0 leaves the rate as it is, 1 holds'),
  workers: count.describe('Processes with a worker for this backfill'),
  warnings: z.array(text),
  cursor: json,
  partitions: z
    .array(
      z.object({
        name: text,
        cursor: json,
        rows: count.nullable().describe('Rows that are through; null: not known'),
        rowsTotal: count.nullable().describe('null: the source does not tell'),
        percent: z.number().nullable().describe('0 to 100; null: not known'),
        rowsPerSecond: z.number().nullable().describe('Average of the last minute; null: not known'),
      } satisfies Shape<PartitionStatus>),
    )
    .describe('Partitions of the source; empty where it has only one'),
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  startedBy: text.nullable(),
  reason: text.nullable(),
  lastError: error.extend({ at: time }).nullable(),
} satisfies Shape<BackfillStatus>);

const overviewEntry = statusResponse.extend({
  recent: z
    .array(z.number())
    .describe('Rows a second of the last 30 periods of 2 s, oldest first; empty unless the run is running'),
} satisfies Shape<Pick<BackfillOverviewEntry, 'recent'>>);

export const overviewResponse = z.object({
  now: time.describe('When it was read, by the clock of Redis'),
  revision: text.describe('What to pass as `after` to get only what has changed since'),
  names: z.array(text).describe('All backfills, in order'),
  backfills: z.array(overviewEntry).describe('All of them, or those that have changed since `after`'),
} satisfies Shape<BackfillOverview>);

const receipt = {
  runId: text,
  state: runState,
  changed: z.boolean().describe('false: nothing changed, the run was in this state before'),
} satisfies Shape<RunReceipt>;

export const receiptResponse = z.object(receipt);
export const retryResponse = z.object({
  ...receipt,
  retried: count,
  unknownIds: z.array(text).describe('Requested ids that are ids of no failure of the run'),
} satisfies Shape<RetryReceipt>);

const configShape = Object.fromEntries(
  Object.entries(CONFIG_FIELDS).map(([key, { schema, expected }]) => [
    key,
    documented(key, schema, expected),
  ]),
);

/** A field with what is expected in words, since OpenAPI cannot express what a function validates. */
function documented(key: string, schema: z.ZodType, expected: string): z.ZodType {
  const documentable = key === 'maxFailures' ? z.union([z.int(), z.string()]).nullable() : schema;
  return documentable.describe(`Expected: ${expected}`);
}

function keyed<Schema extends z.ZodType>(schema: Schema): Record<keyof BackfillConfig, Schema> {
  return Object.fromEntries(CONFIG_KEYS.map((key) => [key, schema])) as Record<keyof BackfillConfig, Schema>;
}

export const configPatch = z.object(configShape).partial();
/** The body of a change of the config. */
export const configRequest = configPatch.extend({ reason: z.string().max(500).optional() });
export const configResponse = z.object({
  config: z.object(configShape),
  patch: configPatch.describe('Keys set at run time, by configure or at a start'),
  origins: z
    .object(keyed(z.enum(['operator', 'decorator', 'module', 'default'])))
    .describe('Where each value comes from'),
  version: text.describe('Changes with the config; also the ETag'),
} satisfies Shape<ConfigInForce>);

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

const failureResponse = z.object({
  id: text,
  kind: z.enum(['range', 'row']),
  key: json,
  error,
  attempts: count,
  failedAt: time,
} satisfies Shape<BackfillFailure>);

export const failuresResponse = z.object({
  items: z.array(failureResponse),
  next: text.nullable().describe('Cursor of the next page, for `after`; null on the last page'),
} satisfies Shape<FailurePage>);

export const failureGroupsResponse = z.object({
  total: count.describe('Failures in all groups'),
  groups: z.array(
    z.object({
      id: text.describe('For `group` of failures and of a retry'),
      error: text.describe('Class of the error'),
      message: text.describe('With … in the place of its varying parts'),
      count,
      rows: count,
      firstAt: time,
      lastAt: time,
      example: failureResponse.describe('The newest failure'),
    } satisfies Shape<FailureGroup>),
  ),
} satisfies Shape<FailureGroups>);

export const previewResponse = z.object({
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
      .describe('`begin` and `end`, or `first` and `last`, or the properties of a custom source'),
  ),
  total: count.describe('Ranges'),
  rowsTotal: count,
  rowsTotalKind: z.enum(['exact', 'estimated']),
  estimatedEnd: time.nullable(),
  forecast: forecast.nullable().describe('From the last rehearsal; null: there was none within an hour'),
  warnings: z.array(z.object({ code: text, message: text })),
} satisfies Shape<BackfillPreview>);

const columns = z
  .record(z.string(), text.nullable())
  .describe('Columns as text; a masked value is `***`, a long one is cut around the first difference');

export const rehearsalResponse = z.object({
  rows: z.array(
    z.object({
      key: json,
      before: columns,
      after: columns.nullable().describe('null: the handler has deleted the row'),
      changed: z.array(text).describe('Names of the columns that differ'),
    } satisfies Shape<RehearsedRow>),
  ),
  untouched: count.describe('How many of `rows` have not changed'),
  errors: z.array(z.object({ key: json, error: z.object({ name: text, message: text }) })),
  batches: count.describe('Each in a transaction that was rolled back'),
  statements: z.object({
    total: count,
    perBatch: z.number(),
    shapes: z.array(z.object({ sql: text, count })).describe('The most frequent ones, without values'),
  } satisfies Shape<RehearsedStatements>),
  msPerRow: z.number().nullable(),
  outside: z
    .array(z.object({ quota: text, calls: count }))
    .describe('Calls to third parties that the quota counted; they are not rolled back'),
  tables: z
    .array(
      z.object({
        table: text,
        inserted: count,
        updated: count,
        deleted: count,
      } satisfies Shape<RehearsedTable>),
    )
    .describe('Rows written in the transactions, by table; empty where the database does not count them'),
  forecast: forecast.nullable().describe('What a run over the whole walk will cost'),
  committed: text
    .nullable()
    .describe(
      'What the handler committed by itself, in words: it was not rolled back; null: nothing was found',
    ),
  partial: text.nullable().describe('Why there are fewer rows than were asked for; null: there are not'),
  notes: z.array(text),
} satisfies Shape<Rehearsal>);

export const samplesResponse = z.array(
  z.object({
    at: z.number().describe('Epoch milliseconds'),
    done: count,
    rowsDone: count,
    rowsFailed: count,
    outstanding: count,
    perSecond: z.number().nullable(),
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

export const errorResponse = z.object({
  statusCode: count,
  message: text,
  error: text,
  code: text.describe('Stable across releases'),
  field: text.optional(),
  fields: z.array(z.object({ field: text, expected: text, received: text.optional() })).optional(),
});

/** As Nest answers an `UnauthorizedException`. What a guard throws itself stays as it is. */
export const guardErrorResponse = z.object({
  statusCode: count,
  message: text,
  error: text.optional(),
});
