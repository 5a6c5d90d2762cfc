import { createHash } from 'node:crypto';
import { types } from 'node:util';
import type { JsonValue } from '../../sources/backfill-source.js';

/** A value that JSON cannot keep, and where it is. */
export interface JsonProblem {
  readonly path: readonly PropertyKey[];
  readonly received: unknown;
}

export type JsonResult = { readonly value: JsonValue } | { readonly problem: JsonProblem };

/** Deeper values are taken as circular. */
const MAX_DEPTH = 50;

/**
 * A value as JSON keeps it: dates as ISO text, bigints as decimal text, objects with their keys sorted and without keys
 * that are `undefined`. Anything else that JSON would drop or change is a problem.
 */
export function toJson(value: unknown, path: readonly PropertyKey[] = []): JsonResult {
  const problem: JsonResult = { problem: { path, received: value } };
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return { value };
    case 'number':
      return Number.isFinite(value) ? { value } : problem;
    case 'bigint':
      return { value: value.toString() };
    case 'object':
      break;
    default:
      return problem;
  }
  if (value === null) {
    return { value };
  }
  if (path.length > MAX_DEPTH) {
    return problem;
  }
  if (types.isDate(value)) {
    return Number.isNaN(value.getTime()) ? problem : { value: value.toISOString() };
  }
  if (Array.isArray(value)) {
    const items = value.map((item, i) => toJson(item, [...path, i]));
    return items.find((item) => 'problem' in item) ?? { value: items.flatMap(valueOf) };
  }
  if (!isPlain(value)) {
    return problem;
  }
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, toJson(item, [...path, key])] as const);
  const wrong = entries.find(([, item]) => 'problem' in item)?.[1];
  // `fromEntries`, as a key `__proto__` of a literal would set the prototype.
  return (
    wrong ?? {
      value: Object.fromEntries(entries.flatMap(([key, item]) => valueOf(item).map((it) => [key, it]))),
    }
  );
}

/**
 * A digest of a parsed value, equal where the values are: dates, bigints, maps, sets and instances of classes count by
 * what they hold. `null` for a value that is circular.
 */
export function digestOf(value: unknown): string | null {
  const text = describe(value, 0);
  return text === null ? null : createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function describe(value: unknown, depth: number): string | null {
  if (depth > MAX_DEPTH) {
    return null;
  }
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'string' ? JSON.stringify(value) : `${typeof value} ${textOf(value)}`;
  }
  const parts = partsOf(value).map((part) => describe(part, depth + 1));
  return parts.includes(null) ? null : `${value.constructor?.name ?? 'Object'}[${parts.join(',')}]`;
}

/** What an object holds. */
function partsOf(value: object): unknown[] {
  if (types.isDate(value)) {
    return [value.getTime()];
  }
  if (Array.isArray(value) || types.isSet(value)) {
    return [...(value as Iterable<unknown>)];
  }
  if (types.isMap(value)) {
    return [...value].flat();
  }
  if (types.isRegExp(value) || value instanceof URL) {
    return [String(value)];
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).flat();
}

/** Of a primitive or a function; functions do not count. */
function textOf(value: unknown): string {
  return typeof value === 'function' ? '' : String(value);
}

/** Whether an object is of no class, in whatever realm it was created. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function valueOf(result: JsonResult): JsonValue[] {
  return 'value' in result ? [result.value] : [];
}
