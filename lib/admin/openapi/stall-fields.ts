import { z } from 'zod';
import type { BlockingSession, StallCause, StallStatus } from '../../state/stall.js';
import { count, text, time } from './response-fields.js';
import type { Shape } from './response-fields.js';

const session = z.object({
  pid: count,
  application: text.nullable(),
  user: text.nullable(),
  state: text.nullable().describe('For example `idle in transaction`'),
  forMs: z.number().nullable().describe('Since its transaction began'),
  query: text.nullable().describe('Its last statement without values'),
  waitsFor: z.array(count).describe('Sessions that it waits for itself'),
} satisfies Shape<BlockingSession>);

const range = z.object({
  index: count,
  since: time,
  abortedAt: time.nullable().describe('When its signal was aborted; null: it is not'),
});

type Details<Kind extends StallCause['kind']> = Shape<Extract<StallCause, { kind: Kind }>['details']>;

const details = {
  lock: z.object({
    relation: text.nullable(),
    lock: text.describe('Its type, such as `row` or `relation`'),
    mode: text.nullable(),
    pid: count.describe('Of the session that waits'),
    waitedMs: z.number(),
    query: text.nullable(),
    blockedBy: z.array(session),
  } satisfies Details<'lock'>),
  pool: z.object({
    process: text,
    context: text,
    size: count,
    inUse: count,
    ofLibrary: count.describe('Of these, by backfills'),
    waiting: count,
    waitedMs: z.number(),
  } satisfies Details<'pool'>),
  handler: z.object({
    process: text,
    ignoresSignal: z.boolean(),
    ranges: z.array(range),
  } satisfies Details<'handler'>),
  'event-loop': z.object({
    process: text,
    reportedAt: time,
    lateMs: z.number(),
  } satisfies Details<'event-loop'>),
  unknown: z.object({}),
};

const causes = Object.entries(details).map(([kind, fields]) =>
  z.object({
    kind: z.literal(kind),
    reason: text.describe('In words'),
    notes: z.array(text).describe('What could not be looked into, and why'),
    details: fields,
  }),
);

export const stalled = z
  .object({
    since: time.describe('Nothing was done since'),
    waitingFor: z.union(causes),
  } satisfies Shape<StallStatus>)
  .nullable()
  .describe(
    'Of a run that should progress and does not: since when, and what it waits for; null: it is not stalled',
  );
