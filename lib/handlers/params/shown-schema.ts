import type { JsonValue } from '../../sources/backfill-source.js';
import { isJsonSchema } from './json-schema.js';
import type { JsonSchema } from './json-schema.js';
import { maskAt } from './mask-params.js';
import { childrenOf, expand, isSecret, rootsOf } from './located-schema.js';
import type { LocatedSchema } from './located-schema.js';

const MAX_DEPTH = 20;
/** Keywords that hold values. */
const VALUES = ['default', 'const'] as const;
const VALUE_LISTS = ['examples', 'enum'] as const;
/** What the places that refer to a part of a schema say of its values. */
interface Referred {
  /** Whether one of them is secret, or within a secret one. */
  within: boolean;
  /** The other schemas of the places. */
  readonly beside: Map<JsonSchema, LocatedSchema>;
}

type References = Map<string, Referred>;

/** Of any property or item that has no schema of its own: no property has this name. */
const OTHERS = '\0';

/**
 * A JSON Schema as it is shown: without values of secret parameters in its defaults, examples and choices, and with
 * `secret: true` at each parameter that one of the other schemas marks.
 */
export function toShownSchema(schema: JsonSchema, secrets: readonly JsonSchema[]): JsonSchema {
  const references: References = new Map();
  let [size, known] = [0, -1];
  let made: JsonSchema = {};
  // A part may refer to parts that were shown before it.
  while (size > known) {
    known = size;
    made = shown(
      { node: schema, root: schema },
      rootsOf(secrets),
      references,
      0,
      references.get('#')?.within,
    );
    size = [...references.values()].reduce(
      (sum, { within, beside }) => sum + Number(within) + beside.size,
      0,
    );
  }
  return made;
}

function shown(
  { node, root }: LocatedSchema,
  beside: readonly LocatedSchema[],
  references: References,
  depth = 0,
  within = false,
): JsonSchema {
  const schemas = expand([{ node, root }, ...beside]);
  const secret = isSecret(schemas);
  refer(references, node, { within: within || secret, beside });
  if (depth > MAX_DEPTH) {
    return {};
  }
  const child = (part: JsonValue, children: readonly LocatedSchema[]): JsonValue =>
    isJsonSchema(part)
      ? shown({ node: part, root }, children, references, depth + 1, within || secret)
      : part;
  const definition = (key: string, part: JsonValue): JsonValue => {
    const referred = references.get(`#/$defs/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    const places = [...(referred?.beside.values() ?? [])];
    return isJsonSchema(part)
      ? shown({ node: part, root }, places, references, depth + 1, referred?.within)
      : part;
  };
  const named = (parts: JsonValue) =>
    Object.fromEntries(
      Object.entries(parts as JsonSchema).map(([key, part]) => [key, child(part, childrenOf(schemas, key))]),
    );
  const convert = (keyword: string, value: JsonValue): JsonValue => {
    switch (keyword) {
      case 'properties':
        return isJsonSchema(value) ? named(value) : value;
      case 'patternProperties':
        return isJsonSchema(value)
          ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, child(part, [])]))
          : value;
      case '$defs':
        return isJsonSchema(value)
          ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, definition(key, part)]))
          : value;
      case 'dependentSchemas':
        return isJsonSchema(value)
          ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, child(part, beside)]))
          : value;
      case 'if':
      case 'then':
      case 'else':
      case 'not':
        return child(value, beside);
      case 'additionalProperties':
      case 'unevaluatedProperties':
      case 'unevaluatedItems':
      case 'contains':
      case 'items':
        return child(value, childrenOf(schemas, OTHERS));
      case 'prefixItems':
        return listOf(value).map((part, i) => child(part, childrenOf(schemas, String(i))));
      case 'allOf':
      case 'anyOf':
      case 'oneOf':
        return listOf(value).map((part) => child(part, beside));
      default:
        return value;
    }
  };
  const isOpen = (value: JsonValue) =>
    !within && !secret && JSON.stringify(maskAt(value, schemas)) === JSON.stringify(value);
  const entries = Object.entries(node)
    .filter(([key, value]) => !includes(VALUES, key) || isOpen(value))
    .filter(([key, value]) => !includes(VALUE_LISTS, key) || listOf(value).every(isOpen))
    .map(([key, value]) => [key, convert(key, value)] as const);
  return {
    ...Object.fromEntries(entries),
    ...(secret && !isSecret([{ node, root }]) ? { secret: true } : {}),
  };
}

function refer(
  references: References,
  { $ref: reference }: JsonSchema,
  { within, beside }: { readonly within: boolean; readonly beside: readonly LocatedSchema[] },
): void {
  if (typeof reference === 'string') {
    const referred = references.get(reference) ?? { within: false, beside: new Map() };
    references.set(reference, referred);
    referred.within ||= within;
    beside.forEach((schema) => referred.beside.set(schema.node, schema));
  }
}

function includes(keywords: readonly string[], keyword: string): boolean {
  return keywords.includes(keyword);
}

function listOf(value: JsonValue): JsonValue[] {
  return Array.isArray(value) ? (value as JsonValue[]) : [];
}
