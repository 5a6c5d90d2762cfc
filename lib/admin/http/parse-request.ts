import type { z } from 'zod';
import { describeValue } from '../../errors/describe-value.js';
import { httpError } from './http-error.js';
import type { FieldError } from './http-error.js';

/** Parses a body, a query or headers; throws a 400 that lists every invalid field. No body is an empty object. */
export function parseRequest<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input ?? {});
  if (parsed.success) {
    return parsed.data;
  }
  const fields = parsed.error.issues.flatMap((issue) => fieldsOf(issue, input));
  const lines = fields.map(
    ({ field, expected, received }) => `${field}: expected ${expected}, got ${received}`,
  );
  throw httpError(400, 'BACKFILL_REQUEST_INVALID', lines.join('; '), fields);
}

function fieldsOf(issue: z.core.$ZodIssue, input: unknown): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: key.slice(0, 100),
      expected: 'no field of this name',
      received: describeValue(valueAt(input, [...issue.path, key])),
    }));
  }
  const field = issue.path.map(String).join('.').slice(0, 100) || 'body';
  return [{ field, expected: issue.message, received: describeValue(valueAt(input, issue.path)) }];
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? Object.getOwnPropertyDescriptor(value, key)?.value
        : undefined,
    input,
  );
}
