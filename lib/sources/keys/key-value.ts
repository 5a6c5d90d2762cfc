import { DatabaseTimestamp, parseTimestamp } from './database-timestamp.js';
import type { KeyProperty } from './key-property.js';

const WHOLE = /^-?\d+$/;

/**
 * Reads a key value as a person, a JSON body or a failure holds it: `undefined` where it cannot be one.
 * A date given as text keeps its microseconds.
 *
 * @internal
 */
export function parseKeyValue({ type, integer }: KeyProperty, value: unknown): unknown {
  switch (type) {
    case 'number': {
      const whole = parseInteger(value);
      return whole === undefined || !Number.isSafeInteger(Number(whole)) ? undefined : Number(whole);
    }
    case 'bigint':
      return parseInteger(value);
    case 'string':
      if (integer) return parseInteger(value)?.toString();
      return typeof value === 'string' ? value : undefined;
    case 'date':
      if (value instanceof DatabaseTimestamp) return value;
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value;
      if (typeof value !== 'string' || Number.isNaN(parseTimestamp(value))) return undefined;
      return new DatabaseTimestamp(value, new Date(parseTimestamp(value)));
    case 'boolean':
      if (value === 'true' || value === 'false') return value === 'true';
      return typeof value === 'boolean' ? value : undefined;
    case 'bytes':
      return value instanceof Uint8Array ? value : undefined;
    default:
      return typeof value === 'string' || typeof value === 'object' ? (value ?? undefined) : undefined;
  }
}

/** What `parseKeyValue` takes for a property, in words. */
export function expectedKeyValue({ type, integer }: KeyProperty): string {
  if (integer) return 'a whole number, or its digits';
  const words = { date: 'a Date, or its ISO 8601 text', boolean: 'true or false', bytes: 'a Uint8Array' };
  return type in words ? words[type as keyof typeof words] : 'a text';
}

/** A whole number of any size, from a number, a bigint or digits. */
export function parseInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && WHOLE.test(value) ? BigInt(value) : undefined;
}
