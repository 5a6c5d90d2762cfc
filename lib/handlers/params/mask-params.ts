import type { JsonValue } from '../../sources/backfill-source.js';
import { isJsonSchema } from './params-json-schema.js';
import type { JsonSchema } from './params-json-schema.js';

/** Shown in place of a secret value. */
export const MASK = '***';

const MAX_DEPTH = 20;
/** Keywords whose schemas all apply to the same value. */
const COMBINED = ['allOf', 'anyOf', 'oneOf'] as const;

/**
 * A value with its secret parts replaced by `***`: those whose JSON Schema has `format: 'password'`, `writeOnly: true` or
 * `secret: true`.
 */
export function maskSecrets(value: JsonValue, schema: JsonSchema | null): JsonValue {
  return schema === null ? value : mask(value, [schema], schema, 0);
}

/** Whether the value at a path is secret, or within a secret one. */
export function isSecretAt(path: readonly PropertyKey[], schema: JsonSchema | null): boolean {
  if (schema === null) {
    return false;
  }
  let schemas = expand([schema], schema);
  for (const key of path) {
    if (schemas.some(isSecret)) {
      return true;
    }
    schemas = expand(childrenOf(schemas, String(key)), schema);
  }
  return schemas.some(isSecret);
}

function mask(
  value: JsonValue,
  candidates: readonly JsonSchema[],
  root: JsonSchema,
  depth: number,
): JsonValue {
  const schemas = expand(candidates, root);
  if (schemas.some(isSecret) || depth > MAX_DEPTH) {
    return value === null ? null : MASK;
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const masked = (key: string, item: JsonValue) => mask(item, childrenOf(schemas, key), root, depth + 1);
  return Array.isArray(value)
    ? value.map((item: JsonValue, i) => masked(String(i), item))
    : Object.fromEntries(
        Object.entries(value).map(([key, item]: [string, JsonValue]) => [key, masked(key, item)]),
      );
}

function isSecret(schema: JsonSchema): boolean {
  return schema['format'] === 'password' || schema['writeOnly'] === true || schema['secret'] === true;
}

/** The schemas, with those that they refer to and combine. */
function expand(schemas: readonly JsonSchema[], root: JsonSchema): JsonSchema[] {
  const found = new Set<JsonSchema>();
  const add = (schema: JsonValue | undefined): void => {
    if (!isJsonSchema(schema) || found.has(schema)) {
      return;
    }
    found.add(schema);
    const { $ref: reference } = schema;
    if (typeof reference === 'string') {
      add(resolve(reference, root));
    }
    for (const keyword of COMBINED) {
      const parts = schema[keyword];
      if (Array.isArray(parts)) {
        parts.forEach(add);
      }
    }
  };
  schemas.forEach(add);
  return [...found];
}

/** A reference within the document, such as `#/$defs/key`. */
function resolve(reference: string, root: JsonSchema): JsonValue | undefined {
  let at: JsonValue | undefined = root;
  for (const part of reference.split('/').slice(1)) {
    at = isJsonSchema(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  return at;
}

/** The schemas of a property or an item. */
function childrenOf(schemas: readonly JsonSchema[], key: string): JsonSchema[] {
  return schemas.flatMap((schema) => {
    const { properties, additionalProperties, prefixItems, items } = schema;
    const named = isJsonSchema(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
    const item = Array.isArray(prefixItems) ? (prefixItems as readonly JsonValue[])[Number(key)] : undefined;
    return [named ?? additionalProperties, item ?? items].filter(isJsonSchema);
  });
}
