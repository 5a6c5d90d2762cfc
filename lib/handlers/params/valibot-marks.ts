import type { JsonSchema } from './json-schema.js';

/** More are those of a schema that makes another one each time. */
const MAX_PARTS = 1_000;
const MARKS = ['format', 'writeOnly', 'secret'] as const;

type Refer = (part: unknown) => JsonSchema;

/**
 * What `v.metadata` says within a schema of valibot, as a JSON Schema of nothing but that: a schema of valibot has a JSON
 * Schema only where it is wrapped or another package is installed.
 */
export function valibotMarks(schema: object): JsonSchema {
  const ids = new Map<unknown, string>();
  const marks: Record<string, JsonSchema> = {};
  const refer: Refer = (part): JsonSchema => {
    if (typeof part !== 'object' || part === null || ids.size >= MAX_PARTS) {
      return {};
    }
    const id = ids.get(part) ?? String(ids.size);
    if (!ids.has(part)) {
      ids.set(part, id);
      marks[id] = marksOf(part, refer);
    }
    return { $ref: `#/$defs/${id}` };
  };
  return { ...refer(schema), $defs: marks };
}

function marksOf(schema: object, refer: Refer): JsonSchema {
  const field = (key: string): unknown => Reflect.get(schema, key);
  const alternatives = [field('wrapped'), ...listOf(field('options')), lazy(field('getter'))];
  const entries = Object.entries(Object(field('entries')) as object);
  return {
    ...metadataIn(listOf(field('pipe'))),
    properties: Object.fromEntries(entries.map(([key, entry]) => [key, refer(entry)])),
    additionalProperties: refer(field('rest') ?? field('value')),
    prefixItems: listOf(field('items')).map(refer),
    items: refer(field('rest') ?? field('item')),
    anyOf: alternatives.map(refer),
  };
}

function metadataIn(pipe: readonly unknown[]): JsonSchema {
  const metadata = pipe.map((action) => Object(Reflect.get(Object(action) as object, 'metadata')) as object);
  const all = Object.assign({}, ...metadata) as JsonSchema;
  return Object.fromEntries(Object.entries(all).filter(([key]) => MARKS.some((mark) => mark === key)));
}

/** It may depend on the value, which is not known here. */
function lazy(getter: unknown): unknown {
  return typeof getter === 'function'
    ? (Reflect.apply(getter, undefined, [undefined]) as unknown)
    : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
