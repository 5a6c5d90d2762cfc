import type { z } from 'zod';
import { describeValue } from '../../errors/describe-value.js';
import { httpError } from './http-errors.js';
import type { FieldError } from './http-errors.js';

/** Parses a part of a request; throws a 400 that names every bad field. No body at all is an empty one. */
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
      expected: 'no such field',
      received: describeValue(at(input, [...issue.path, key])),
    }));
  }
  const field = issue.path.map(String).join('.').slice(0, 100) || 'body';
  return [{ field, expected: issue.message, received: describeValue(at(input, issue.path)) }];
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? Object.getOwnPropertyDescriptor(value, key)?.value
        : undefined,
    input,
  );
}
