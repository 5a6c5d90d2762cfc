import { z } from 'zod';
import { describeValue } from '../errors/describe-value.js';

const MAX_SWEEPS = 100;
const SWEEPS = `a whole number from 0 to ${MAX_SWEEPS}`;

/**
 * How a run is verified once it is through with its walk.
 *
 * @publicApi
 */
export interface VerifyOptions {
  /**
   * Most sweeps, 1 to 100. A sweep processes all rows that match the `where` of the source now, also behind the cursor
   * and beyond the bounds that were taken at the start: the app inserted them or changed them back during the run. The
   * run fails when a sweep finds as many rows as the one before, and when rows are left after the last one.
   *
   * Default: 3. A source without a `where` cannot be verified: nothing tells its rows that are left from those that are
   * done.
   */
  readonly sweeps?: number;
}

const schema = z.strictObject(
  {
    sweeps: z.int(expected(SWEEPS)).min(0, expected(SWEEPS)).max(MAX_SWEEPS, expected(SWEEPS)).optional(),
  },
  expected('true, false or an object such as { sweeps: 3 }'),
);

/** A problem of an option: its name, what was expected and what was got. */
export interface VerifyProblem {
  readonly field: string;
  readonly expected: string;
  readonly received: unknown;
}

/** Parses the option `verify` of `@Backfill` or `start`; `null`: no verification. */
export function parseVerify(
  value: unknown,
): { readonly options: VerifyOptions | null } | { readonly problem: VerifyProblem } {
  if (value === undefined || value === false) {
    return { options: null };
  }
  if (value === true) {
    return { options: {} };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    return { options: parsed.data };
  }
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const received = path.reduce<unknown>((part, key) => Reflect.get(part as object, key), value);
  return {
    problem: { field: ['verify', ...path].map(String).join('.'), expected: messageOf(issue), received },
  };
}

function messageOf(issue: z.core.$ZodIssue | undefined): string {
  return issue?.code === 'unrecognized_keys'
    ? `the fields sweeps, not ${issue.keys.map(describeValue).join(', ')}`
    : (issue?.message ?? '');
}

function expected(what: string): { error: string } {
  return { error: what };
}
