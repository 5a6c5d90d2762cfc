import { DatabaseTimestamp, hasUtcOffset, parseTimestamp } from './database-timestamp.js';
import type { KeyValues } from './key-reader.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Precision of a fraction of an interval of integers. */
const STEPS = 2 ** 53;

/**
 * A key at about this fraction of the way from `first` to `last`, by interpolation of the first of their values that
 * differ; `null` where they are of a type that has no distance.
 *
 * @param fraction in [0, 1)
 */
export function keyBetween(first: KeyValues, last: KeyValues, fraction: number): KeyValues | null {
  const at = first.findIndex((value, i) => textOf(value) !== textOf(last[i]));
  if (at < 0) {
    return first;
  }
  const value = valueBetween(first[at], last[at], fraction);
  return value === undefined ? null : first.map((own, i) => (i === at ? value : own));
}

function valueBetween(first: unknown, last: unknown, fraction: number): unknown {
  if (typeof first === 'number' && typeof last === 'number') {
    const value = first + (last - first) * fraction;
    return Number.isInteger(first) && Number.isInteger(last) ? Math.floor(value) : value;
  }
  if (typeof first === 'bigint' && typeof last === 'bigint') {
    return integerBetween(first, last, fraction);
  }
  if (first instanceof Date && last instanceof Date) {
    return new Date(first.getTime() + (last.getTime() - first.getTime()) * fraction);
  }
  if (first instanceof DatabaseTimestamp && last instanceof DatabaseTimestamp) {
    return timestampBetween(first, last, fraction);
  }
  if (typeof first === 'string' && typeof last === 'string' && UUID.test(first) && UUID.test(last)) {
    const value = integerBetween(numberOf(first), numberOf(last), fraction).toString(16).padStart(32, '0');
    return value.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
  return undefined;
}

function integerBetween(first: bigint, last: bigint, fraction: number): bigint {
  return first + ((last - first) * BigInt(Math.floor(fraction * STEPS))) / BigInt(STEPS);
}

function timestampBetween(first: DatabaseTimestamp, last: DatabaseTimestamp, fraction: number): unknown {
  const [from, to] = [parseTimestamp(first.text), parseTimestamp(last.text)];
  if (!Number.isFinite(from) || !Number.isFinite(to)) {
    return undefined;
  }
  const date = new Date(from + (to - from) * fraction);
  const iso = date.toISOString();
  const text = hasUtcOffset(first.text) ? iso : iso.slice(0, -1).replace('T', ' ');
  return new DatabaseTimestamp(text, date);
}

function numberOf(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '')}`);
}

function textOf(value: unknown): string {
  if (value instanceof DatabaseTimestamp) {
    return value.text;
  }
  return value instanceof Date ? String(value.getTime()) : String(value);
}
