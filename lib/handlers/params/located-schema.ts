import type { JsonValue } from '../../sources/backfill-source.js';
import { isJsonSchema } from './json-schema.js';
import type { JsonSchema } from './json-schema.js';

/** A part of a JSON Schema, with the document that its references are resolved in. */
export interface LocatedSchema {
  readonly node: JsonSchema;
  readonly root: JsonSchema;
}

/** Keywords whose schemas all apply to the same value. */
const COMBINED = ['allOf', 'anyOf', 'oneOf'] as const;
/** Keywords of one schema that may apply to the same value. */
const CONDITIONS = ['if', 'then', 'else', 'not'] as const;

/** Whole documents. */
export function rootsOf(schemas: readonly JsonSchema[]): LocatedSchema[] {
  return schemas.map((root) => ({ node: root, root }));
}

/** The schemas, with those that they refer to and combine. */
export function expand(schemas: readonly LocatedSchema[]): LocatedSchema[] {
  const found = new Map<JsonSchema, LocatedSchema>();
  const add = (node: JsonValue | undefined, root: JsonSchema): void => {
    if (!isJsonSchema(node) || found.has(node)) {
      return;
    }
    found.set(node, { node, root });
    const { $ref: reference } = node;
    if (typeof reference === 'string') {
      add(resolve(reference, root), root);
    }
    for (const keyword of COMBINED) {
      const parts = node[keyword];
      if (Array.isArray(parts)) {
        parts.forEach((part: JsonValue) => add(part, root));
      }
    }
    CONDITIONS.forEach((keyword) => add(node[keyword], root));
    Object.values(node['dependentSchemas'] ?? {}).forEach((part: JsonValue) => add(part, root));
  };
  schemas.forEach(({ node, root }) => add(node, root));
  return [...found.values()];
}

/** The schemas of a property or an item. */
export function childrenOf(schemas: readonly LocatedSchema[], key: string): LocatedSchema[] {
  return schemas.flatMap(({ node, root }) =>
    childNodes(node, key)
      .filter(isJsonSchema)
      .map((child) => ({ node: child, root })),
  );
}

/** Every pattern counts as one of the key: more may be masked then, never less. */
function childNodes(node: JsonSchema, key: string): (JsonValue | undefined)[] {
  const { properties, patternProperties, additionalProperties, prefixItems, items } = node;
  const named = isJsonSchema(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
  const patterns = isJsonSchema(patternProperties) ? Object.values(patternProperties) : [];
  const item = Array.isArray(prefixItems) ? (prefixItems as readonly JsonValue[])[Number(key)] : undefined;
  const { unevaluatedProperties, unevaluatedItems, contains } = node;
  const others = named === undefined ? [additionalProperties, unevaluatedProperties] : [named];
  return [...others, ...patterns, item ?? items, ...(item === undefined ? [unevaluatedItems] : []), contains];
}

/** The schemas of all properties and items. */
function allChildrenOf(schemas: readonly LocatedSchema[]): LocatedSchema[] {
  return schemas.flatMap(({ node, root }) => {
    const { properties, patternProperties, additionalProperties, prefixItems, items } = node;
    const nodes = [properties, patternProperties, prefixItems].flatMap((parts) => Object.values(parts ?? {}));
    const { unevaluatedProperties, unevaluatedItems, contains } = node;
    return [...nodes, additionalProperties, items, unevaluatedProperties, unevaluatedItems, contains]
      .filter(isJsonSchema)
      .map((child) => ({ node: child, root }));
  });
}

/** Whether a value of the schemas is secret, or may have a secret part. */
export function holdsSecrets(schemas: readonly LocatedSchema[]): boolean {
  const known = new Set<JsonSchema>();
  let level = expand(schemas);
  while (level.length > 0) {
    if (isSecret(level)) {
      return true;
    }
    level.forEach(({ node }) => known.add(node));
    level = expand(allChildrenOf(level)).filter(({ node }) => !known.has(node));
  }
  return false;
}

/** Whether a value of one of the schemas is marked as secret. They are expanded. */
export function isSecret(schemas: readonly LocatedSchema[]): boolean {
  return schemas.some(
    ({ node }) => node['format'] === 'password' || node['writeOnly'] === true || node['secret'] === true,
  );
}

/** A reference within the document, such as `#/$defs/key`. */
function resolve(reference: string, root: JsonSchema): JsonValue | undefined {
  let at: JsonValue | undefined = root;
  for (const part of reference.split('/').slice(1)) {
    at = isJsonSchema(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  return at;
}
