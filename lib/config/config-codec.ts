import type { ConfigWhere } from '../errors/backfill-config.error.js';
import type { BackfillConfigPatch } from './backfill-config.js';
import { isConfigKey } from './backfill-config.schema.js';
import { boundsOf } from './concurrency-setting.js';
import { parseConfigPatch } from './parse-config-patch.js';

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;

/** Keys that have a number or `{ min, max }`, of which earlier versions know the number only. */
const BOUNDED = ['concurrency', 'rowConcurrency'] as const;

/** The field beside such a key that holds `{ min, max }`: earlier versions ignore it, and read the minimum. */
function boundsField(key: string): string {
  return `${key}.bounds`;
}

/**
 * Encodes a patch as the fields of a Redis hash: `null` as `null`, objects as JSON. Keys with `undefined` are omitted. A
 * field that is to be removed is empty.
 */
export function encodeConfigPatch(patch: BackfillConfigPatch): Record<string, string> {
  const fields = Object.fromEntries(
    Object.entries(patch)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  );
  for (const key of BOUNDED) {
    const value = patch[key];
    if (value !== undefined) {
      fields[key] = String(boundsOf(value).min);
      fields[boundsField(key)] = typeof value === 'number' ? '' : JSON.stringify(value);
    }
  }
  return fields;
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
  const bounds: Readonly<Record<string, string | undefined>> = Object.fromEntries(
    BOUNDED.map((key) => [boundsField(key), boundsInForce(hash[key], hash[boundsField(key)])]),
  );
  for (const [key, text] of Object.entries(hash)) {
    if (Object.hasOwn(bounds, key)) continue;
    if (!isConfigKey(key)) unknownKeys.push(key);
    else values[key] = key === 'onPeakTimezone' ? text : valueOf(bounds[boundsField(key)] ?? text);
  }
  return parseConfigPatch(values, where);
}

/** A process of an earlier version sets the number alone: the bounds are then those of the value before. */
function boundsInForce(min: string | undefined, bounds: string | undefined): string | undefined {
  const value = bounds ? valueOf(bounds) : undefined;
  const isCurrent =
    typeof value !== 'object' || value === null || !('min' in value) || String(value.min) === min;
  return bounds && isCurrent ? bounds : undefined;
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
