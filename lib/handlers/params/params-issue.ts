import type { ParamsIssue } from '../../errors/backfill-params.error.js';
import { describeValue } from '../../errors/describe-value.js';
import type { JsonValue } from '../../sources/backfill-source.js';
import { isSecretAt, MASK } from './mask-params.js';
import type { JsonSchema } from './params-json-schema.js';
import type { StandardSchemaIssue } from './standard-schema.js';

/** How zod, valibot and arktype say what they expected. */
const EXPECTED = [
  /^Invalid (?:input|type|option|value): expected (.+?)(?:, received .*| but received .*)?$/is,
  /^Too (?:small|big): expected (.+)$/s,
  /\bmust be (.+?) \(was .*\)$/s,
];

/** An issue of a schema, with the path, what was expected and what was given. A secret value is not shown. */
export function toParamsIssue(
  { message, path = [] }: StandardSchemaIssue,
  input: JsonValue,
  schema: JsonSchema | null,
): ParamsIssue {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  const secret = isSecretAt(keys, schema);
  const expected = EXPECTED.map((pattern) => pattern.exec(message)?.[1]).find(Boolean);
  return {
    field: ['params', ...keys].map(String).join('.'),
    // What a schema says of a value may repeat it.
    expected: expected ?? (secret ? 'a valid value' : `a valid value (${message})`),
    received: secret ? MASK : describeParam(valueAt(input, keys)),
  };
}

/** A value for an error message; an instance of a class is named by it. */
export function describeParam(value: unknown): string {
  const name = typeof value === 'object' && value !== null ? value.constructor?.name : 'Object';
  return name === 'Object' || name === 'Array' || name === undefined ? describeValue(value) : `a ${name}`;
}

function valueAt(input: JsonValue, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    input,
  );
}
