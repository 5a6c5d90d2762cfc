import { z } from 'zod';

const LONGEST_TEXT = 1000;
const LARGEST_PAGE = 1000;
const MOST_IDS = 1000;
const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

const text = (most: number) => {
  const expected = `a text of at most ${most} characters`;
  return z.string(expected).max(most, expected);
};
/** Redis and databases take such a text in ways of their own. */
const plain = (most: number, expected: string) =>
  z
    .string(expected)
    .min(1, expected)
    .max(most, expected)
    .regex(/^[\x20-\x7e]+$/, expected);

const reason = text(500).optional().describe('Why, for the history');

const scalar = z.union([text(LONGEST_TEXT), z.number(), z.boolean(), z.null()]);
const BOUND = 'a key: a number, a text, or an object of its properties';
const bound = z
  .union([text(LONGEST_TEXT), z.number(), z.record(z.string().max(100), scalar)], BOUND)
  .describe('Row of the walk, inclusive: a number, a text (also for big keys), or the properties of the key');

export const actionBody = z.strictObject({ reason }, 'an object such as { "reason": "…" }');

export const startBody = z.strictObject(
  {
    from: bound.optional(),
    to: bound.optional(),
    config: z.unknown().optional().describe('Config to set before the start'),
    dryRun: z.boolean('true or false').optional().describe('Runs in transactions that are rolled back'),
    reason,
  },
  'an object such as { "dryRun": true }',
);

export const retryBody = z.strictObject(
  {
    ids: z
      .array(plain(200, 'the id of a failure'), 'a list of ids')
      .min(1, 'at least one id')
      .max(MOST_IDS, `at most ${MOST_IDS} ids`)
      .optional()
      .describe('Which failures; all without it'),
    runId: plain(64, 'the id of a run').optional(),
    reason,
  },
  'an object such as { "ids": ["…"] }',
);

/** A change of the config, and why; the config's own schema judges the rest. */
export const configBody = z.looseObject({ reason }, 'an object such as { "batchSize": 100 }');

const PAGE_SIZE = `a whole number from 1 to ${LARGEST_PAGE}`;
const limit = z
  .string(PAGE_SIZE)
  .regex(/^\d{1,4}$/, PAGE_SIZE)
  .transform(Number)
  .refine((value) => value >= 1 && value <= LARGEST_PAGE, PAGE_SIZE)
  .optional();

const json = (value: string, context: z.RefinementCtx): unknown => {
  try {
    return JSON.parse(value);
  } catch {
    context.addIssue({ code: 'custom', message: 'JSON' });
    return z.NEVER;
  }
};

/** A bound in a URL: JSON where it is an object, else the text as it stands. */
const queryBound = text(5000)
  .transform((value, context) => (value.startsWith('{') ? json(value, context) : value))
  .pipe(bound)
  .optional();

const AT = 'an ISO time or epoch milliseconds between the years 2000 and 2100';
const queryTime = z
  .string(AT)
  .max(40, AT)
  .transform((value) => (/^\d+$/.test(value) ? Number(value) : Date.parse(value)))
  .refine((at) => at >= EARLIEST && at <= LATEST, AT)
  .optional();

// Parameters that are not ours, such as a token, belong to the app.
export const previewQuery = z.object({
  from: queryBound,
  to: queryBound,
  at: queryTime,
  limit,
  config: text(5000).transform(json).optional(),
});

export const failuresQuery = z.object({
  after: z
    .string('what `next` of the page before gave')
    .regex(/^\d{1,15}$/, 'what `next` of the page before gave')
    .optional(),
  limit,
  runId: plain(64, 'the id of a run').optional(),
});

export const listQuery = z.object({ limit });

export const eventsQuery = z.object({
  backfill: plain(200, 'the name of a backfill').optional(),
  lastEventId: text(64).optional(),
});

export const startHeaders = z.object({
  'Idempotency-Key': plain(200, 'at most 200 printable characters').optional(),
});
