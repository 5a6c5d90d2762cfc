import { z } from 'zod';
import { BackfillConfigError } from '../errors/backfill-config.error.js';
import type { ConfigIssue, ConfigOrigin } from '../errors/backfill-config.error.js';
import { describeValue, shortened } from '../errors/describe-value.js';
import { groupDigits } from '../errors/group-digits.js';
import type { BackfillBudget } from './backfill-budget.js';
import { nearestKey } from './nearest-key.js';

/** The key of a budget whose value is an object: a limit by name. */
export const CALLS = 'callsPerSecond';

interface BudgetField {
  readonly schema: z.ZodType<number | null>;
  /** The valid values in words, after "expected" in an error message. */
  readonly expected: string;
}

function whole(max: number, meaning: string): BudgetField {
  return {
    schema: z.int().min(1).max(max).nullable(),
    expected: `a whole number from 1 to ${groupDigits(max)} (${meaning}) or null (no limit)`,
  };
}

function rate(max: number, meaning: string): BudgetField {
  return {
    schema: z.number().min(0.001).max(max).nullable(),
    expected: `a number from 0.001 to ${groupDigits(max)} (${meaning}) or null (no limit)`,
  };
}

/** The limits that are numbers. */
export const BUDGET_FIELDS = {
  concurrency: whole(100_000, 'ranges in process at once'),
  rangesPerSecond: rate(100_000, 'ranges per second'),
  rowsPerSecond: rate(100_000_000, 'rows per second'),
  perTable: whole(1000, 'runs on one table at once'),
} as const;
const FIELDS: Readonly<Record<string, BudgetField>> = BUDGET_FIELDS;
/** The limit of each third party. */
export const CALLS_FIELD = rate(1_000_000, 'calls per second');
const CALLS_EXPECTED = 'an object of names and calls per second such as { directory: 50 }';
/** Of a third party, in `callsPerSecond`. */
const CALLS_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The keys of a budget, in the order in which they are documented. */
export const BUDGET_KEYS = ['concurrency', 'rangesPerSecond', 'rowsPerSecond', CALLS, 'perTable'] as const;

/** Every unknown key and every invalid value of a budget. */
export function budgetIssues(input: unknown): ConfigIssue[] {
  if (!isObject(input)) {
    const expected = 'an object such as { concurrency: 16 }';
    return [{ field: 'budget', expected, received: describeValue(input) }];
  }
  return Object.entries(input).flatMap(([key, value]) => {
    if (value === undefined) {
      return [];
    }
    if (key === CALLS) {
      return callsIssues(value);
    }
    const field = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
    return field ? issueOf(key, field, value) : [unknownKey(key, value)];
  });
}

/**
 * Validates a budget from outside.
 *
 * @throws BackfillConfigError that names every unknown key and every invalid value
 */
export function parseBudget(input: unknown, origin: ConfigOrigin): BackfillBudget {
  const issues = budgetIssues(input);
  if (issues.length > 0) {
    throw new BackfillConfigError({ backfill: null, origin }, issues);
  }
  return Object.fromEntries(
    Object.entries(input as BackfillBudget).filter(([, value]) => value !== undefined),
  );
}

/** Whether a name may stand in `callsPerSecond`. */
export function isCallsName(name: string): boolean {
  return CALLS_NAME.test(name);
}

function callsIssues(calls: unknown): ConfigIssue[] {
  if (!isObject(calls)) {
    return [{ field: CALLS, expected: CALLS_EXPECTED, received: describeValue(calls) }];
  }
  return Object.entries(calls).flatMap(([name, value]) => {
    if (value === undefined) {
      return [];
    }
    if (!isCallsName(name)) {
      const expected = `a name that matches ${CALLS_NAME.source}`;
      return [{ field: CALLS, expected, received: describeValue(name) }];
    }
    return issueOf(`${CALLS}.${name}`, CALLS_FIELD, value);
  });
}

function issueOf(field: string, { schema, expected }: BudgetField, value: unknown): ConfigIssue[] {
  return schema.safeParse(value).success ? [] : [{ field, expected, received: describeValue(value) }];
}

function unknownKey(key: string, value: unknown): ConfigIssue {
  return {
    field: shortened(key),
    expected: `a known key (did you mean ${nearestKey(key, BUDGET_KEYS)}?)`,
    received: `an unknown key with value ${describeValue(value)}`,
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
