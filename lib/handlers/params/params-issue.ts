import type { ParamsIssue } from '../../errors/backfill-params.error.js';
import { describeValue } from '../../errors/describe-value.js';
import type { JsonValue } from '../../sources/backfill-source.js';
import type { JsonSchema } from './json-schema.js';
import { isHiddenAt, isSecretAt, MASK, redact } from './mask-params.js';
import type { StandardSchemaIssue } from './standard-schema.js';

/** How zod, valibot and arktype say what they expected. */
const EXPECTED = [
  /^Invalid (?:input|type|option|value): expected (.+?)(?:, received .*| but received .*)?$/is,
  /^Too (?:small|big): expected (.+)$/s,
  /\bmust be (.+?) \(was .*\)$/s,
];

/**
 * An issue of a schema, with the path, what was expected and what was given. No secret value is in it: neither one that was
 * given, nor one that is expected.
 */
export function toParamsIssue(
  { message, path = [] }: StandardSchemaIssue,
  input: JsonValue,
  secrets: readonly JsonSchema[],
): ParamsIssue {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  const secret = isSecretAt(keys, secrets);
  const expected = EXPECTED.map((pattern) => pattern.exec(message)?.[1]).find(Boolean);
  return {
    field: ['params', ...keys].map(String).join('.'),
    expected: redact(
      secret ? ofSecret(expected) : (expected ?? `a valid value (${message})`),
      input,
      secrets,
    ),
    received: receivedAt(keys, input, secrets),
  };
}

/** Objects are shown as such; a text where an object with secrets is expected may be one of them. */
function receivedAt(keys: readonly PropertyKey[], input: JsonValue, secrets: readonly JsonSchema[]): string {
  const value = valueAt(input, keys);
  const isHidden = typeof value === 'object' || value === undefined ? isSecretAt : isHiddenAt;
  return isHidden(keys, secrets) ? MASK : describeParam(value);
}

/** What a schema says of a secret in its own words may repeat it, and a quoted value is one that would be accepted. */
function ofSecret(expected: string | undefined): string {
  return expected === undefined || /["'`]/.test(expected) ? 'a valid value' : expected;
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
