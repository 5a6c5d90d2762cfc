import { BackfillDefinitionError } from '../../errors/backfill-definition.error.js';
import { BackfillParamsError } from '../../errors/backfill-params.error.js';
import type { ParamsIssue } from '../../errors/backfill-params.error.js';
import type { JsonValue } from '../../sources/backfill-source.js';
import { describeParam, toParamsIssue } from './params-issue.js';
import { isHiddenAt, MASK, maskSecrets } from './mask-params.js';
import type { JsonSchema } from './json-schema.js';
import type { ParamsSchema } from './params-schema.js';
import type { RunParams } from './run-params.js';
import { digestOf, isPlain, toJson } from './to-json.js';

/** Parameters are read with the record of their run, again and again. */
const MAX_LENGTH = 100_000;
const MAX_DEPTH = 50;

/** What a schema made of a value. */
export type ParsedParams = { readonly value: unknown } | { readonly issues: readonly ParamsIssue[] };

/**
 * Parses the parameters of a run that is to be started; without any, an empty object.
 *
 * The run keeps what the schema made of them, so that no later default gets into it, unless that is no JSON from which the
 * schema makes the same again, as after a transform: then it keeps what was given.
 *
 * @throws BackfillParamsError where they are not valid
 * @throws BackfillDefinitionError where the schema makes something else of the same parameters each time
 */
export async function parseParams(
  backfill: string,
  declared: ParamsSchema,
  given: unknown,
): Promise<RunParams> {
  const input = toStorable(backfill, given === undefined ? {} : given, declared.secrets);
  const first = await parse(backfill, declared, input);
  const digest = digestOf(first);
  const made = toJson(first);
  if ('value' in made) {
    const again = await validate(declared, made.value);
    if ('value' in again && digestOf(again.value) === digest) {
      return runParams(made.value, again.value, declared.secrets);
    }
  }
  const again = await parse(backfill, declared, input);
  if (digestOf(again) !== digest) {
    throw new BackfillDefinitionError(
      `The schema of the parameters of backfill "${backfill}" makes other values of the same parameters each time. Every ` +
        'process parses the parameters of a run: make its transforms and defaults depend on nothing else, such as the time.',
    );
  }
  return runParams(input, again, declared.secrets);
}

/** Has a schema make values of parameters as they are kept. */
export async function validate({ schema, secrets }: ParamsSchema, input: JsonValue): Promise<ParsedParams> {
  // A copy: a schema may change what it is given.
  const result = await schema['~standard'].validate(JSON.parse(JSON.stringify(input)));
  return result.issues
    ? { issues: result.issues.map((issue) => toParamsIssue(issue, input, secrets)) }
    : { value: deepFreeze(result.value) };
}

async function parse(backfill: string, declared: ParamsSchema, input: JsonValue): Promise<unknown> {
  const parsed = await validate(declared, input);
  if ('issues' in parsed) {
    throw new BackfillParamsError(backfill, parsed.issues);
  }
  return parsed.value;
}

function toStorable(backfill: string, given: unknown, secrets: readonly JsonSchema[]): JsonValue {
  const json = toJson(given);
  if ('problem' in json) {
    const { path, received } = json.problem;
    const field = ['params', ...path].map(String).join('.');
    const expected = 'a value that JSON can keep (or a Date or a bigint, kept as text)';
    const shown = isHiddenAt(path, secrets) ? MASK : describeParam(received);
    throw new BackfillParamsError(backfill, [{ field, expected, received: shown }]);
  }
  const { length } = JSON.stringify(json.value);
  if (length > MAX_LENGTH) {
    const expected = `at most ${MAX_LENGTH} characters of JSON`;
    throw new BackfillParamsError(backfill, [{ field: 'params', expected, received: String(length) }]);
  }
  return json.value;
}

function runParams(stored: JsonValue, values: unknown, secrets: readonly JsonSchema[]): RunParams {
  return {
    values,
    kept: {
      params: JSON.stringify(stored),
      paramsShown: JSON.stringify(maskSecrets(stored, secrets)),
      paramsDigest: digestOf(values) ?? '',
    },
  };
}

/** Plain objects and arrays only: an instance of a class may have to change itself. */
function deepFreeze(value: unknown, depth = 0): unknown {
  if (
    typeof value === 'object' &&
    value !== null &&
    (Array.isArray(value) || isPlain(value)) &&
    depth < MAX_DEPTH
  ) {
    Object.freeze(value);
    Object.values(value).forEach((part) => deepFreeze(part, depth + 1));
  }
  return value;
}
