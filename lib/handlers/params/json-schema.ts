import type { JsonValue } from '../../sources/backfill-source.js';

/** A JSON Schema object. */
export type JsonSchema = { readonly [keyword: string]: JsonValue };

/** Whether a value is an object of keywords. */
export function isJsonSchema(value: JsonValue | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
