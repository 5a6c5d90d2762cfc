import { DatabaseTimestamp, isCalendarDay, parseTimestamp } from './database-timestamp.js';
import type { KeyProperty } from './key-property.js';

const DIGITS = /^-?\d+$/;
const HAS_TIME = /\d[T ]\d+:/;

/**
 * Parses a key value from user input, a JSON body or a stored failure; `undefined` if it is not valid for the
 * property. A date given as text keeps its microseconds.
 *
 * @internal
 */
export function parseKeyValue({ type, integer, columnType }: KeyProperty, value: unknown): unknown {
  switch (type) {
    case 'number': {
      const number = Number(parseInteger(value) ?? NaN);
      return Number.isSafeInteger(number) ? number : undefined;
    }
    case 'bigint':
      return parseInteger(value);
    case 'string':
      if (integer) return parseInteger(value)?.toString();
      // PostgreSQL drops the time and the offset without an error.
      if (isDay(columnType) && typeof value === 'string' && HAS_TIME.test(value)) return undefined;
      return typeof value === 'string' ? value : undefined;
    case 'date':
      if (value instanceof DatabaseTimestamp) return value;
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value;
      if (typeof value !== 'string' || Number.isNaN(parseTimestamp(value)) || !isCalendarDay(value))
        return undefined;
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

/** What `parseKeyValue` accepts for a property, for error messages. */
export function expectedKeyValue({ type, integer, columnType }: KeyProperty): string {
  if (type === 'string' && isDay(columnType)) return 'a day, such as "2020-11-11"';
  if (integer) return 'a whole number or a string of digits';
  const expected = { date: 'a Date or an ISO 8601 string', boolean: 'true or false', bytes: 'a Uint8Array' };
  return type in expected ? expected[type as keyof typeof expected] : 'a string';
}

function isDay(columnType: string): boolean {
  return columnType.toLowerCase() === 'date';
}

/** An integer of any size, from a safe integer, a bigint or a string of digits. */
export function parseInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && DIGITS.test(value) ? BigInt(value) : undefined;
}
