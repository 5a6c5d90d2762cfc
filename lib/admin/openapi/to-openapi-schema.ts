import type { JsonValue } from '../../sources/backfill-source.js';

type Schema = Readonly<Record<string, JsonValue>>;

/** Keywords that mean the same in OpenAPI 3.0 as in JSON Schema 2020-12. */
const SAME = new Set(
  (
    'title description default enum format pattern minLength maxLength minimum maximum multipleOf minItems maxItems ' +
    'uniqueItems minProperties maxProperties required readOnly writeOnly deprecated'
  ).split(' '),
);

/** Names the schema that a reference within a document leads to, such as `#/$defs/key`; `null` where it is not known. */
export type NameReference = (reference: string) => string | null;

/** JSON Schema 2020-12 as a schema of OpenAPI 3.0. What that cannot express is left out, so that it accepts more. */
export function toOpenApiSchema(schema: JsonValue | undefined, nameOf: NameReference): Schema {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    return schema === false ? { not: {} } : {};
  }
  const node = schema as Schema;
  const convert = (part: JsonValue | undefined) => toOpenApiSchema(part, nameOf);
  const converted: Schema = {
    ...Object.fromEntries(Object.entries(node).filter(([keyword]) => SAME.has(keyword))),
    ...valuesOf(node),
    ...boundsOf(node),
    ...propertiesOf(node, convert),
    ...itemsOf(node, convert),
    ...combined(node, convert),
  };
  const typed = withType(node, converted);
  const { $ref: reference } = node;
  const name = typeof reference === 'string' ? nameOf(reference) : null;
  if (name === null) {
    return typed;
  }
  const target = { $ref: `#/components/schemas/${name}` };
  // Keywords beside a reference do not count in OpenAPI 3.0.
  return Object.keys(typed).length === 0 ? target : { ...typed, allOf: [target] };
}

function valuesOf(node: Schema): Schema {
  const [example] = listOf(node['examples']);
  const isSecret = node['secret'] === true || node['format'] === 'password';
  return {
    ...(example === undefined ? {} : { example }),
    ...('const' in node ? { enum: [node['const']] } : {}),
    ...(isSecret ? { writeOnly: true } : {}),
    ...(isSecret && node['type'] === 'string' ? { format: 'password' } : {}),
  };
}

/** An exclusive bound is a number of its own in JSON Schema, and a flag beside the bound in OpenAPI 3.0. */
function boundsOf({ exclusiveMinimum, exclusiveMaximum }: Schema): Schema {
  return {
    ...(typeof exclusiveMinimum === 'number' ? { minimum: exclusiveMinimum, exclusiveMinimum: true } : {}),
    ...(typeof exclusiveMaximum === 'number' ? { maximum: exclusiveMaximum, exclusiveMaximum: true } : {}),
  };
}

function propertiesOf(node: Schema, convert: (part: JsonValue) => Schema): Schema {
  const { properties, patternProperties, additionalProperties: others } = node;
  const named = Object.entries((properties ?? {}) as Schema).map(([key, part]) => [key, convert(part)]);
  return {
    ...(properties === undefined ? {} : { properties: Object.fromEntries(named) as Schema }),
    ...(others === undefined || patternProperties !== undefined
      ? {}
      : { additionalProperties: typeof others === 'boolean' ? others : convert(others) }),
  };
}

function itemsOf(node: Schema, convert: (part: JsonValue) => Schema): Schema {
  const first = listOf(node['prefixItems']);
  if (first.length === 0) {
    return node['type'] === 'array' || 'items' in node ? { items: convert(node['items'] ?? true) } : {};
  }
  const rest = node['items'] === undefined || node['items'] === false ? [] : [node['items']];
  return { items: { anyOf: [...first, ...rest].map(convert) } };
}

/** OpenAPI 3.0 has no type `null`: an alternative of it makes the others nullable, which only types can be. */
function combined(node: Schema, convert: (part: JsonValue) => Schema): Schema {
  const entries = ['allOf', 'anyOf', 'oneOf']
    .filter((keyword) => keyword in node)
    .map((keyword) => {
      const parts = listOf(node[keyword]);
      const others = parts.filter((part) => !isNull(part)).map(convert);
      if (others.length === parts.length) {
        return [keyword, others] as const;
      }
      return others.every((part) => 'type' in part)
        ? ([keyword, others.map((part) => withNullable(part, true))] as const)
        : ([keyword, [...others, NULL]] as const);
    });
  return Object.fromEntries(entries);
}

const NULL: Schema = { enum: [null] };

/** An `enum` must list `null`, too. */
function withNullable(schema: Schema, nullable: boolean): Schema {
  if (!nullable) {
    return schema;
  }
  return { ...schema, nullable, ...('enum' in schema ? { enum: [...listOf(schema['enum']), null] } : {}) };
}

function withType({ type }: Schema, schema: Schema): Schema {
  const types = [type].flat().filter((it) => typeof it === 'string');
  const others = types.filter((it) => it !== 'null');
  const nullable = others.length < types.length;
  const [only] = others;
  if (types.length > 0 && only === undefined) {
    return { ...schema, ...NULL };
  }
  if (only === undefined) {
    return schema;
  }
  const typeOf = (it: string): Schema => (it === 'array' ? { type: it, items: {} } : { type: it });
  return others.length === 1
    ? withNullable({ ...schema, type: only }, nullable)
    : { ...schema, anyOf: others.map((it) => withNullable(typeOf(it), nullable)) };
}

function isNull(part: JsonValue): boolean {
  return typeof part === 'object' && part !== null && Reflect.get(part, 'type') === 'null';
}

function listOf(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? (value as JsonValue[]) : [];
}
