import { z } from 'zod';
import type { JsonValue } from '../../sources/backfill-source.js';
import type { StandardSchema } from './standard-schema.js';

/** A JSON Schema object. */
export type JsonSchema = { readonly [keyword: string]: JsonValue };

const DIALECT = 'draft-2020-12';

/**
 * The JSON Schema of what a schema accepts: of zod by `toJSONSchema`, else by `~standard.jsonSchema` (Standard JSON
 * Schema), as arktype's and `toStandardJsonSchema` of valibot have it. `null` where neither gives one.
 */
export function jsonSchemaOf(schema: StandardSchema): JsonSchema | null {
  try {
    const described = '_zod' in schema ? ofZod(schema as unknown as z.ZodType) : ofStandard(schema);
    // In the order in which the properties are declared: that of the fields of a form.
    const json = JSON.parse(JSON.stringify(described ?? null)) as JsonValue;
    return isJsonSchema(json) ? withoutDialect(json) : null;
  } catch {
    // A schema that JSON Schema cannot express: the page shows one text area, and nothing is known to be secret.
    return null;
  }
}

/** Dates and bigints are given as text in JSON. */
function ofZod(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, {
    target: DIALECT,
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { type } = zodSchema._zod.def;
      if (type === 'date') {
        Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
      } else if (type === 'bigint') {
        Object.assign(jsonSchema, { type: 'string', pattern: '^-?\\d+$' });
      }
    },
  });
}

function ofStandard(schema: StandardSchema): unknown {
  const converter: unknown = Reflect.get(schema['~standard'], 'jsonSchema');
  const input: unknown = typeof converter === 'object' && converter && Reflect.get(converter, 'input');
  return typeof input === 'function' ? Reflect.apply(input, converter, [{ target: DIALECT }]) : null;
}

function withoutDialect(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keyword !== '$schema'));
}

/** Whether a value is an object of keywords. */
export function isJsonSchema(value: JsonValue | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
