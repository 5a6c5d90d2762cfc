import { z } from 'zod';
import { describeValue } from '../errors/describe-value.js';
import type {
  JsonValue,
  PlannedRange,
  SourceInspection,
  SourceOpening,
  SourcePartition,
  SourcePlan,
} from './backfill-source.js';

/** More rows than any table has: the counters of Redis are exact up to here. */
const MAX_ROWS = Number.MAX_SAFE_INTEGER;
const MAX_DEPTH = 100;

/** A number of rows or ranges. Sources estimate them, so a fraction is accepted. */
export const rowCount = z
  .number({ error: expected('a number of rows from 0') })
  .min(0, {
    error: expected('a number of rows from 0'),
  })
  .max(MAX_ROWS, { error: expected('a number of rows up to 2^53') });

const text = z.string({ error: expected('a string') });
const flag = z.boolean({ error: expected('a boolean') });

/** A value that is stored in Redis and read back unchanged. */
export const jsonValue = z.unknown().superRefine((value, context) => {
  const problem = jsonProblem(value, 0);
  if (problem) {
    context.addIssue({
      code: 'custom',
      path: [...problem.path],
      message: `expected a JSON value, got ${describeValue(problem.value)}`,
    });
  }
}) as unknown as z.ZodType<JsonValue>;

export const plannedRanges: z.ZodType<PlannedRange[]> = z.lazy(() =>
  z.array(z.object({ data: jsonValue, rows: rowCount }, { error: expected('a range') }), {
    error: expected('a list of ranges'),
  }),
);

const rowTotal = () => z.object({ rows: rowCount, exact: flag }, { error: expected('an object') });

const partition = () =>
  z.object(
    { name: text, bounds: jsonValue, total: rowTotal().exactOptional() },
    { error: expected('a partition') },
  );

const partitions = () =>
  z
    .array(partition(), {
      error: expected('a list of partitions'),
    })
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      error: 'expected partitions of different names, got a name twice',
    });

export const sweepOpening: z.ZodType<SourcePartition[] | null> = z.lazy(() => partitions().nullable());

export const opening: z.ZodType<SourceOpening> = z.lazy(() =>
  z.object({ partitions: partitions(), total: rowTotal() }, { error: expected('an object') }),
);

export const plan: z.ZodType<SourcePlan> = z.lazy(() =>
  z.object({ ranges: plannedRanges, cursor: jsonValue, exhausted: flag }, { error: expected('an object') }),
);

export const inspection: z.ZodType<SourceInspection> = z.lazy(() =>
  z.object(
    {
      warnings: z.array(z.object({ code: text, message: text }), { error: expected('a list of warnings') }),
      totalRanges: rowCount,
    },
    { error: expected('an object') },
  ),
);

export const walk: z.ZodType<Readonly<Record<string, string>>> = z.lazy(() =>
  z.record(text, text, { error: expected('an object of strings') }),
);

/** The rows themselves may be anything: a schema of an array would parse each of them. */
export const rowList: z.ZodType<unknown[]> = z.lazy(() =>
  z.custom<unknown[]>((value) => Array.isArray(value), { error: expected('a list of rows') }),
);

function expected(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => `expected ${what}, got ${describeValue(input)}`;
}

interface JsonProblem {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** The first part of a value that JSON cannot represent; absent properties of objects are left out of JSON. */
function jsonProblem(value: unknown, depth: number): JsonProblem | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return null;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? null : { path: [], value };
  }
  if (typeof value !== 'object' || depth > MAX_DEPTH || !isPlain(value)) {
    return { path: [], value };
  }
  const list = Array.isArray(value);
  for (const [key, part] of Object.entries(value) as [string, unknown][]) {
    const problem = part === undefined && !list ? null : jsonProblem(part, depth + 1);
    if (problem) {
      return { ...problem, path: [list ? Number(key) : key, ...problem.path] };
    }
  }
  return null;
}

/** Objects such as dates and maps become something else in JSON. */
function isPlain(value: object): boolean {
  return (
    Array.isArray(value) || !('toJSON' in value || Symbol.iterator in value || ArrayBuffer.isView(value))
  );
}
