import { z } from 'zod';
import type { BudgetLimits } from '../../config/backfill-budget.js';
import { BUDGET_FIELDS, CALLS_FIELD } from '../../config/parse-budget.js';
import type { BudgetRun } from '../../supervision/budget-runs.js';
import type { BudgetStatus, DatabaseBudget } from '../../supervision/budget.changer.js';
import { count, text } from './response-fields.js';
import type { Shape } from './response-fields.js';

const { concurrency, rangesPerSecond, rowsPerSecond, perTable } = Object.fromEntries(
  Object.entries(BUDGET_FIELDS).map(([key, { schema, expected }]) => [
    key,
    schema.describe(`Expected: ${expected}`),
  ]),
) as Record<keyof typeof BUDGET_FIELDS, z.ZodType>;

const limits = { concurrency, rangesPerSecond, rowsPerSecond, perTable };

const budgetPatch = z
  .object({
    ...limits,
    callsPerSecond: z
      .record(z.string(), CALLS_FIELD.schema)
      .describe(`By the name of the third party. Expected: ${CALLS_FIELD.expected}`),
  })
  .partial();

/** The body of a change of the budget. */
export const budgetRequest = budgetPatch.extend({ reason: z.string().max(500).optional() });

const budgetRun = z.object({
  runId: text,
  backfill: text,
  weight: z.number(),
  share: z
    .number()
    .describe('Its part of what the budget allows, from 0 to 1; 0 while it waits for its table'),
  ranges: count.describe('In process'),
  waiting: z.boolean().describe('Whether it waits for the budget'),
  waitsFor: text
    .nullable()
    .describe(
      'The limit that it waits for, such as `rangesPerSecond` or `callsPerSecond.directory`; null: none',
    ),
} satisfies Shape<BudgetRun>);

export const budgetResponse = z.object({
  context: text.describe('`contextName` of the module; `default` without one'),
  limits: z.object({
    ...limits,
    callsPerSecond: z.record(z.string(), z.number()).describe('By the name of the third party'),
  } satisfies Shape<BudgetLimits>),
  patch: budgetPatch.describe('What operators have set'),
  version: text.describe('Changes with the limits; also the ETag'),
  ranges: count.describe('In process, of all runs; counted while the budget limits ranges'),
  runs: z.array(budgetRun).describe('The runs that share the budget or wait for it now'),
  databases: z
    .array(
      z.object({ context: text, ranges: count, runs: z.array(budgetRun) } satisfies Shape<DatabaseBudget>),
    )
    .optional()
    .describe('The other databases that backfills are in: each has the same limits for itself'),
} satisfies Shape<BudgetStatus>);
