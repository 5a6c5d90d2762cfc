import { BackfillConfigError, type ConfigIssue, type ConfigWhere } from '../errors/backfill-config.error.js';
import { describeValue, shortened } from '../errors/describe-value.js';
import type { BackfillConfigPatch } from './backfill-config.js';
import { CONFIG_FIELDS, CONFIG_KEYS, isConfigKey } from './backfill-config.schema.js';
import { nearestKey } from './nearest-key.js';
import { PARSE_ONCE } from './parse-once.js';

/**
 * Validates a config from outside: options of a decorator, the body of a request, options of `start`.
 *
 * Keys that are `undefined` are omitted; `undefined` itself is an empty patch.
 *
 * @param where The config that the error is about.
 * @throws BackfillConfigError that names every unknown key and every invalid value.
 */
export function parseConfigPatch(input: unknown, where: ConfigWhere): BackfillConfigPatch {
  if (input === undefined) return {};
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const expected = 'an object such as { batchSize: 100 }';
    throw new BackfillConfigError(where, [{ field: 'config', expected, received: describeValue(input) }]);
  }
  const patch: Record<string, unknown> = {};
  const issues: ConfigIssue[] = [];
  for (const [field, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const issue = issueWith(field, value);
    if (issue) issues.push(issue);
    else patch[field] = value;
  }
  if (issues.length > 0) throw new BackfillConfigError(where, issues);
  return patch;
}

function issueWith(field: string, value: unknown): ConfigIssue | undefined {
  if (!isConfigKey(field)) {
    const expected = `a known key (did you mean ${nearestKey(field, CONFIG_KEYS)}?)`;
    return {
      field: shortened(field),
      expected,
      received: `an unknown key with value ${describeValue(value)}`,
    };
  }
  const { schema, expected } = CONFIG_FIELDS[field];
  if (schema.safeParse(value, PARSE_ONCE).success) return undefined;
  return { field, expected, received: describeValue(value) };
}
