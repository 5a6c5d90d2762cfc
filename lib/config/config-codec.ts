import type { ConfigWhere } from '../errors/backfill-config.error.js';
import type { BackfillConfigPatch } from './backfill-config.js';
import { isConfigKey } from './backfill-config.schema.js';
import { parseConfigPatch } from './parse-config-patch.js';

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;

/** Encodes a patch as the fields of a Redis hash: `null` as `null`, objects as JSON. Keys with `undefined` are omitted. */
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
 * @param unknownKeys Receives the names of fields that this version does not know. They are ignored: a newer version may
 * have written them.
 * @throws BackfillConfigError that names every field with an invalid value.
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

/** Anything else than a number, `null` or JSON stays a string, so that an error shows the stored value. */
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
