import { z } from 'zod';
import type { BudgetLimitStatus } from '../../status/budget-limit.js';
import type { BackfillOverview, BackfillOverviewEntry } from '../../status/backfill-overview.js';
import type {
  BackfillStatus,
  ConcurrencyStatus,
  HoldStatus,
  PartitionStatus,
} from '../../status/backfill-status.js';
import type { LateStatus } from '../../state/limiting-factor.js';
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
  error,
} from './response-fields.js';
import type { Shape } from './response-fields.js';
import { verified, canary } from './verdict-fields.js';
import { expectedLateness } from './lateness-fields.js';
import { forecastOutcome } from './forecast-fields.js';
import { overrides } from './override-responses.js';
import { stalled } from './stall-fields.js';
import { globalHold } from './hold-responses.js';

const publicState = z.enum(['idle', ...runState.options]);
const hold = z
  .object({
    scope: z.enum(['all', 'run']).describe('Whether all runs are held, or this one alone'),
    by: text.nullable().describe('Who holds all runs; null: no name was given, or only this run is held'),
    reason: text,
    since: time.nullable().describe('null: not known'),
    until: time.nullable().describe('null: the end is not known'),
  } satisfies Shape<HoldStatus>)
  .nullable()
  .describe('Why a running run starts nothing now; null: it does');

export const statusResponse = z.object({
  name: text,
  now: time.describe('When the status was read, by the clock of Redis'),
  description: text.nullable(),
  state: publicState,
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
  finishBy,
  late: z
    .object({
      since: time.describe('Since when that is expected'),
      ...expectedLateness,
    } satisfies Shape<LateStatus>)
    .nullable()
    .describe('Of an active run that is expected to end after finishBy; null: it is in time, or not known'),
  forecast: forecastOutcome,
  held: hold,
  activeAt: time.nullable().describe('When something was last done; null: nothing yet, or not known'),
  stalled,
  rate: z.object({
    perSecond: z.number().nullable().describe('Ranges a second; null: unpaced'),
    reason: text,
  }),
  concurrency: z
    .object({
      unit: z.enum(['ranges', 'rows']).describe('What a process does at once'),
      value: z.number().describe('An average where it is no whole number'),
      min: count,
      max: count,
      reason: text,
      since: time.describe('When the value was last changed'),
    } satisfies Shape<ConcurrencyStatus>)
    .nullable()
    .describe('What each process does at once, where the config has bounds of it; null: it is fixed'),
  budget: z
    .object({
      limit: text.describe('Limit of the budget that is used up, such as `concurrency`'),
      share: z.number().describe('Part of the budget that the run is given, from 0 to 1'),
      reason: text,
    } satisfies Shape<BudgetLimitStatus>)
    .nullable()
    .describe('The budget of all runs, where it is what limits this run now'),
  throttlePressure: z.number().describe('Pressure of the throttles: 0 leaves the rate as it is, 1 holds'),
  throttles: z.array(text).describe('Throttles of the handler in the process that answers, by name'),
  overrides,
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
        backfill: text
          .optional()
          .describe('Backfill of the partition, where the partitions are in several databases'),
        state: publicState.optional().describe('Of that backfill'),
        held: hold.optional().describe('Of that backfill'),
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
  hold: globalHold.nullable().describe('The hold of all runs; null: there is none'),
  backfills: z.array(overviewEntry).describe('All of them, or those that have changed since `after`'),
} satisfies Shape<BackfillOverview>);
