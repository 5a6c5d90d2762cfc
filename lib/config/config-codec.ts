import type { ConfigWhere } from '../errors/backfill-config.error.js';
import type { BackfillConfigPatch } from './backfill-config.js';
import { isConfigKey } from './backfill-config.schema.js';
import { parseConfigPatch } from './parse-config-patch.js';

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;

/** A patch as the fields of a Redis hash. `null` is kept as the word `null`; `undefined` is left out. */
export function encodeConfigPatch(patch: BackfillConfigPatch): Record<string, string> {
  return Object.fromEntries(
    Object.entries(patch)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  );
}

/**
 * The inverse of {@link encodeConfigPatch}.
 *
 * @param hash All fields of the Redis hash; empty where nothing is stored.
 * @param unknownKeys Given an array, the names of fields that this release does not know are added to it:
 * another release may have written them, so they are no reason to stop.
 * @throws BackfillConfigError naming every field whose value was damaged.
 */
export function decodeConfigPatch(
  hash: Readonly<Record<string, string>>,
  where: ConfigWhere,
  unknownKeys: string[] = [],
): BackfillConfigPatch {
  const values: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(hash)) {
    if (!isConfigKey(key)) unknownKeys.push(key);
    else values[key] = key === 'onPeakTimezone' ? text : valueOf(text);
  }
  return parseConfigPatch(values, where);
}

/** What is neither a number, null nor an object stays a string, so that an error shows what is stored. */
function valueOf(text: string): unknown {
  if (text === 'null') return null;
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  return NUMBER.test(text) ? Number(text) : text;
}
