import { z } from 'zod';
import { describeValue } from '../errors/describe-value.js';
import { PARSE_ONCE } from './parse-once.js';
import type { VerifyAnswer, VerifyContext } from './verify-row.js';

const MAX_SWEEPS = 100;
const SWEEPS = `a whole number from 0 to ${MAX_SWEEPS}`;
const MAX_SAMPLE = 100_000;
const SAMPLE = `a whole number from 0 to ${MAX_SAMPLE}`;

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
   * Default: 3. A source without a `where` cannot be swept, as nothing tells its rows that are left from those that are
   * done: its runs are verified by a sample alone.
   */
  readonly sweeps?: number;
  /**
   * Most rows of the sample, 0 to 100,000; 0: no sample. Of all rows that the run processes, each is in it with the same
   * probability. After the sweeps they are read again, without the `where`, and given to `verify.row` of `@Backfill` or to
   * the method `verifyRow` of its class. A row that is wrong is a failure of the run, which `retryFailures` takes; the
   * sample is verified again after that. Default: 1,000 where the handler has one of the two, else 0.
   */
  readonly sample?: number;
}

/**
 * How the runs of a backfill are verified: the options of `verify` of `@Backfill`.
 *
 * @typeParam TRow What the source loads.
 * @typeParam TParams What the schema of `@Backfill` makes of the parameters.
 * @publicApi
 */
export interface BackfillVerifyOptions<TRow = unknown, TParams = unknown> extends VerifyOptions {
  /**
   * Checks a row of the sample: `true`, or why it is wrong. It must not change anything. Default: the method `verifyRow` of
   * the handler, see `RowVerifier`; without either there is no sample.
   */
  row?(row: TRow, context: VerifyContext<TParams>): Promise<VerifyAnswer> | VerifyAnswer;
}

const schema = () =>
  z.strictObject(
    {
      sweeps: z.int(expected(SWEEPS)).min(0, expected(SWEEPS)).max(MAX_SWEEPS, expected(SWEEPS)).optional(),
      sample: z.int(expected(SAMPLE)).min(0, expected(SAMPLE)).max(MAX_SAMPLE, expected(SAMPLE)).optional(),
    },
    expected('true, false or an object such as { sweeps: 3 }'),
  );
const ROW = 'a function, with the row as its argument';
const requestSchema = z.lazy(schema);
const decoratorSchema = z.lazy(() =>
  schema().extend({
    row: z
      .custom<NonNullable<BackfillVerifyOptions['row']>>((it) => typeof it === 'function', ROW)
      .optional(),
  }),
);

/** A problem of an option: its name, what was expected and what was got. */
export interface VerifyProblem {
  readonly field: string;
  readonly expected: string;
  readonly received: unknown;
}

type Parsed<Options> = { readonly options: Options | null } | { readonly problem: VerifyProblem };

/** Parses the option `verify` of `@Backfill`; `null`: no verification. */
export function parseBackfillVerify(value: unknown): Parsed<BackfillVerifyOptions> {
  return parse(decoratorSchema, value);
}

/** Parses the option `verify` of `start`; `null`: no verification. */
export function parseVerify(value: unknown): Parsed<VerifyOptions> {
  return parse(requestSchema, value);
}

function parse<Options extends VerifyOptions>(options: z.ZodType<Options>, value: unknown): Parsed<Options> {
  if (value === undefined || value === false) {
    return { options: null };
  }
  const parsed = options.safeParse(value === true ? {} : value, PARSE_ONCE);
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
    ? `the fields sweeps and sample, not ${issue.keys.map(describeValue).join(', ')}`
    : (issue?.message ?? '');
}

function expected(what: string): { error: string } {
  return { error: what };
}
