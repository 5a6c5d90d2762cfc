import { z } from 'zod';
import { HISTORY_TYPES } from '../state/history-request.js';
import { SAMPLE_RANGES } from '../state/sample.store.js';

const MAX_STRING_LENGTH = 1000;
const MAX_PAGE_SIZE = 1000;
const MAX_IDS = 1000;
const MIN_TIME = Date.UTC(2000, 0, 1);
const MAX_TIME = Date.UTC(2100, 0, 1);

// The message of an issue is what was expected: `parseRequest` completes the sentence.
const text = (maxLength: number) => {
  const expected = `a string of at most ${maxLength} characters`;
  return z.string(expected).max(maxLength, expected);
};
/** Printable ASCII: such a string is safe as part of a Redis key and of a log line. */
const printable = (maxLength: number, expected: string) =>
  z
    .string(expected)
    .min(1, expected)
    .max(maxLength, expected)
    .regex(/^[\x20-\x7e]+$/, expected);

const reason = text(500).optional().describe('Reason, for the history');

const scalar = z.union([text(MAX_STRING_LENGTH), z.number(), z.boolean(), z.null()]);
const BOUND = 'a key: a number, a string, or an object with its properties';
const bound = z
  .union([text(MAX_STRING_LENGTH), z.number(), z.record(z.string().max(100), scalar)], BOUND)
  .describe(
    'Key of a row, inclusive: a number, a string (for bigint keys, too), or an object with the properties of the key',
  );

export const actionBody = z.strictObject({ reason }, 'an object such as { "reason": "…" }');

const HOLD_REASON = 'a text of 1 to 500 characters';
const END = 'a time in the future: an ISO 8601 time or epoch milliseconds';
const end = z
  .union([z.number(), z.string().max(40, END)], END)
  .transform((value) => (typeof value === 'number' ? value : Date.parse(value)))
  .refine((at) => at >= MIN_TIME && at <= MAX_TIME, END);

export const holdBody = z.strictObject(
  {
    reason: z
      .string(HOLD_REASON)
      .trim()
      .min(1, HOLD_REASON)
      .max(500, HOLD_REASON)
      .describe('For the status of all runs, the history and the log'),
    until: end
      .optional()
      .describe('When it ends by itself: ISO time or epoch milliseconds. Default: when it is released'),
  },
  'an object such as { "reason": "incident 42" }',
);

const FACTOR = 'a number from 0 to 100';
export const overrideBody = z.strictObject(
  {
    throttle: text(200).describe('Name of a throttle of the backfill'),
    factor: z
      .number(FACTOR)
      .min(0, FACTOR)
      .max(100, FACTOR)
      .describe('What its pressure is multiplied by: 0 ignores it, 1 ends an override'),
    until: end
      .optional()
      .describe('When the override ends: ISO time or epoch milliseconds. Only a factor of 1 needs none'),
    reason,
  },
  'an object such as { "throttle": "postgres-replication-lag", "factor": 0.5, "until": "2030-01-31T18:00:00Z" }',
);

const adoptVersion = text(200)
  .optional()
  .describe('Version of the handler that the run goes on with. Default: the version of the run');

export const resumeBody = z.strictObject(
  { adoptVersion, reason },
  'an object such as { "adoptVersion": "2" }',
);

const PARAMS = 'an object such as { "keyId": "k2" }';
// The schema of the backfill says what is in it.
const params = z
  .record(z.string(), z.unknown(), PARAMS)
  .optional()
  .describe('Parameters of the run: see `paramsSchema` of the status of the backfill');

const CANARY = 'an object such as { "rows": 1000, "maxFailures": 0 }';
const VERIFY = 'true, false or an object such as { "sweeps": 3, "sample": 1000 }';

export const startBody = z.strictObject(
  {
    from: bound.optional(),
    to: bound.optional(),
    params,
    config: z.unknown().optional().describe('Config to set before the start'),
    verify: z
      .union(
        [z.boolean(), z.looseObject({ sweeps: z.unknown().optional(), sample: z.unknown().optional() })],
        VERIFY,
      )
      .optional()
      .describe(
        'Verifies the run once it is through with its walk: `true`, or an object such as { "sweeps": 3, "sample": 1000 }',
      ),
    canary: z
      .looseObject({ rows: z.unknown(), maxFailures: z.unknown().optional() }, CANARY)
      .optional()
      .describe(`Pauses the run after so many rows, with a verdict: ${CANARY}. Default of maxFailures: 0`),
    dryRun: z.boolean('true or false').optional().describe('Rolls back every transaction of the run'),
    finishBy: end
      .optional()
      .describe('When the run should have ended, as information: ISO time or epoch milliseconds'),
    reason,
  },
  'an object such as { "dryRun": true }',
);

const MASK = 'a list of names of columns';
const ROWS = 'a whole number from 1 to 500';
const LENGTH = 'a whole number of characters from 1, or null for whole values';
const TIMEOUT = 'a whole number of ms from 1000 to 300000';
export const rehearseBody = z.strictObject(
  {
    rows: z.int(ROWS).min(1, ROWS).max(500, ROWS).optional().describe('Rows to show. Default 50'),
    from: bound.optional(),
    to: bound.optional(),
    params,
    mask: z
      .array(text(200), MASK)
      .max(200, MASK)
      .optional()
      .describe('Columns whose values are not shown, beside those whose name looks secret'),
    maxLength: z
      .int(LENGTH)
      .min(1, LENGTH)
      .nullable()
      .optional()
      .describe('Longest text of a value that is shown whole; null: all. Default 200'),
    timeoutMs: z
      .int(TIMEOUT)
      .min(1_000, TIMEOUT)
      .max(300_000, TIMEOUT)
      .optional()
      .describe('Ms after which no further batch starts. Default 30000'),
  },
  'an object such as { "rows": 50 }',
);

const GROUP = 'the id of a group of failures';
const group = z
  .string(GROUP)
  .regex(/^[\w-]{1,64}$/, GROUP)
  .optional()
  .describe('Id of a group, as failure-groups returns it');

export const retryBody = z.strictObject(
  {
    ids: z
      .array(printable(200, 'the id of a failure'), 'a list of ids')
      .min(1, 'at least one id')
      .max(MAX_IDS, `at most ${MAX_IDS} ids`)
      .optional()
      .describe('Ids of the failures to retry. Default: all'),
    group,
    runId: printable(64, 'the id of a run').optional(),
    adoptVersion,
    reason,
  },
  'an object such as { "ids": ["…"] }',
);

/** A config patch with a reason; the patch is validated by the schema of the config. */
export const configBody = z.looseObject({ reason }, 'an object such as { "batchSize": 100 }');

/** Limits of the budget with a reason; `configureBudget` validates the limits. */
export const budgetBody = z.looseObject({ reason }, 'an object such as { "concurrency": 16 }');

const PAGE_SIZE = `a whole number from 1 to ${MAX_PAGE_SIZE}`;
const limit = z
  .string(PAGE_SIZE)
  .regex(/^\d{1,4}$/, PAGE_SIZE)
  .transform(Number)
  .refine((value) => value >= 1 && value <= MAX_PAGE_SIZE, PAGE_SIZE)
  .optional();

const json = (value: string, context: z.RefinementCtx): unknown => {
  try {
    return JSON.parse(value);
  } catch {
    context.addIssue({ code: 'custom', message: 'JSON' });
    return z.NEVER;
  }
};

/** A bound in a URL: a JSON object, or a string. */
const queryBound = text(5000)
  .transform((value, context) => (value.startsWith('{') ? json(value, context) : value))
  .pipe(bound)
  .optional();

const TIME = 'an ISO 8601 time or epoch milliseconds between the years 2000 and 2100';
const queryTime = z
  .string(TIME)
  .max(40, TIME)
  .transform((value) => (/^\d+$/.test(value) ? Number(value) : Date.parse(value)))
  .refine((at) => at >= MIN_TIME && at <= MAX_TIME, TIME)
  .optional();

// Queries are not strict: parameters such as an access token are the app's.
export const previewQuery = z.object({
  from: queryBound,
  to: queryBound,
  at: queryTime,
  limit,
  config: text(5000).transform(json).optional(),
  params: text(5000)
    .transform(json)
    .pipe(params)
    .optional()
    .describe('Parameters of the run as JSON. Secret ones belong in the body of a POST'),
});

/** As the query, for parameters that must not get into the log of a proxy. */
export const previewBody = z.strictObject(
  {
    from: bound.optional(),
    to: bound.optional(),
    at: z
      .union([z.number(), z.string().max(40, TIME)], TIME)
      .transform((value) => (typeof value === 'number' ? value : Date.parse(value)))
      .refine((at) => at >= MIN_TIME && at <= MAX_TIME, TIME)
      .optional()
      .describe('When the first range would start: ISO time or epoch milliseconds. Default: now'),
    limit: z.int(PAGE_SIZE).min(1, PAGE_SIZE).max(MAX_PAGE_SIZE, PAGE_SIZE).optional(),
    config: z.unknown().optional().describe('Config to plan with'),
    params,
  },
  'an object such as { "params": { "keyId": "k2" } }',
);

const CURSOR = '`next` of the previous page';
const cursor = z
  .string(CURSOR)
  .regex(/^\d{1,15}$/, CURSOR)
  .optional();
const runId = printable(64, 'the id of a run').optional();

export const failuresQuery = z.object({
  after: cursor.describe(CURSOR),
  cursor: cursor.describe('The same as `after`'),
  limit,
  runId,
  group,
  search: text(200).optional().describe('Text in the id, key, class or message of a failure'),
});

export const undoBody = z.strictObject(
  {
    runId: printable(64, 'the id of a run').describe('The run that is undone'),
    reason,
  },
  'an object such as { "runId": "…" }',
);

const CONFLICT_CURSOR = '`next` of the previous page of conflicts';
export const conflictsQuery = z.object({
  after: z
    .string(CONFLICT_CURSOR)
    .regex(/^[\w-]{1,4000}$/, CONFLICT_CURSOR)
    .optional()
    .describe(CONFLICT_CURSOR),
  limit,
  runId: runId.describe('The run that undid another. Default: the newest undo'),
});

export const failureGroupsQuery = z.object({ runId });

export const overviewQuery = z.object({
  // Of an earlier version of the app or mistyped: a revision that is not known answers everything.
  after: text(64).optional(),
});

export const listQuery = z.object({ limit });

const EPOCH_MS = 'a time in epoch milliseconds';
export const samplesQuery = z.object({
  after: z
    .string(EPOCH_MS)
    .regex(/^\d{1,15}(\.\d{1,6})?$/, EPOCH_MS)
    .transform(Number)
    .optional()
    .describe('Only newer samples: epoch milliseconds'),
  range: z
    .enum(SAMPLE_RANGES, `one of ${SAMPLE_RANGES.join(', ')}`)
    .optional()
    .describe('Thinned out as they age. Default: one a second of the last 15 minutes'),
  runId,
});

const ENTRY_ID = 'the id of an entry of the history';
const TYPES = `some of ${HISTORY_TYPES.join(', ')}, separated by commas`;
export const historyQuery = z.object({
  limit,
  before: z
    .string(ENTRY_ID)
    .regex(/^\d{1,15}-\d{1,20}$/, ENTRY_ID)
    .optional()
    .describe('Id of the last entry of the previous page'),
  types: text(500)
    .transform((value) => value.split(','))
    .pipe(z.array(z.enum(HISTORY_TYPES, TYPES), TYPES))
    .optional()
    .describe(`Only these: ${TYPES}`),
  runId,
});

export const eventsQuery = z.object({
  backfill: printable(200, 'the name of a backfill').optional(),
  lastEventId: text(64).optional(),
});

export const startHeaders = z.object({
  'Idempotency-Key': printable(200, 'at most 200 printable characters').optional(),
});
