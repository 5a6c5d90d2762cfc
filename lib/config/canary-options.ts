import { z } from 'zod';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { describeValue } from '../errors/describe-value.js';
import { groupDigits } from '../errors/group-digits.js';
import { PARSE_ONCE } from './parse-once.js';

const MAX_ROWS = 1_000_000_000;
const ROWS = `a whole number from 1 to ${groupDigits(MAX_ROWS)}`;
const FAILURES = `a whole number from 0 to ${groupDigits(MAX_ROWS)}`;

/**
 * The first rows of a run, after which it pauses itself.
 *
 * @publicApi
 */
export interface CanaryOptions {
  /** Rows to hand out before the run pauses itself with a verdict, 1 to 1,000,000,000. */
  readonly rows: number;
  /** Most failures with which the canary passes; the run pauses at the first one above it. Default: 0. */
  readonly maxFailures?: number;
}

const schema = z.lazy(() =>
  z.strictObject(
    {
      rows: z.int({ error: ROWS }).min(1, { error: ROWS }).max(MAX_ROWS, { error: ROWS }),
      maxFailures: z
        .int({ error: FAILURES })
        .min(0, { error: FAILURES })
        .max(MAX_ROWS, { error: FAILURES })
        .default(0),
    },
    { error: 'an object such as { rows: 1000, maxFailures: 0 }' },
  ),
);

/**
 * Parses the option `canary` of `start`; `null`: the run has none.
 *
 * @throws BackfillRequestError that names the field
 */
export function parseCanary(backfill: string, value: unknown): Required<CanaryOptions> | null {
  if (value === undefined) {
    return null;
  }
  const parsed = schema.safeParse(value, PARSE_ONCE);
  if (parsed.success) {
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const expected =
    issue?.code === 'unrecognized_keys'
      ? `the fields rows and maxFailures, not ${issue.keys.map(describeValue).join(', ')}`
      : (issue?.message ?? '');
  const received = path.reduce<unknown>((part, key) => Reflect.get(part as object, key), value);
  throw new BackfillRequestError(backfill, ['canary', ...path].map(String).join('.'), expected, received);
}
