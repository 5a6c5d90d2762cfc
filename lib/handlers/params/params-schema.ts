import { createRequire } from 'node:module';
import { z } from 'zod';
import type { JsonValue } from '../../sources/backfill-source.js';
import { isJsonSchema } from './json-schema.js';
import type { JsonSchema } from './json-schema.js';
import { toShownSchema } from './shown-schema.js';
import type { StandardSchema } from './standard-schema.js';
import { valibotMarks } from './valibot-marks.js';

/** The schema of the parameters of a backfill. */
export interface ParamsSchema {
  readonly schema: StandardSchema;
  /** What a start may be given, without secret values; `null` where the library of the schema gives no JSON Schema. */
  readonly jsonSchema: JsonSchema | null;
  /** JSON Schemas that mark the secret parameters; a value is secret where one of them says so. */
  readonly secrets: readonly JsonSchema[];
}

type Io = 'input' | 'output';

const DIALECT = 'draft-2020-12';

/**
 * The JSON Schema of what a schema accepts: of zod by `toJSONSchema`, else by `~standard.jsonSchema` (Standard JSON
 * Schema), as arktype's and `toStandardJsonSchema` of valibot have it, and of other schemas of valibot by
 * `@valibot/to-json-schema` where that is installed.
 */
export function describeParams(schema: StandardSchema): ParamsSchema {
  const input = jsonSchemaOf(schema, 'input');
  // A mark behind a transform is one of what the schema makes.
  const marks = [
    input,
    jsonSchemaOf(schema, 'output'),
    attempt(() => (isOfValibot(schema) ? valibotMarks(schema) : null)),
  ];
  const secrets = marks.filter((it) => it !== null);
  return { schema, jsonSchema: input && toShownSchema(input, secrets), secrets };
}

function jsonSchemaOf(schema: StandardSchema, io: Io): JsonSchema | null {
  return attempt(() =>
    '_zod' in schema ? ofZod(schema as unknown as z.ZodType, io) : ofStandard(schema, io),
  );
}

/** A schema that JSON Schema cannot express: the page shows one text area, and no endpoint describes it. */
function attempt(describe: () => unknown): JsonSchema | null {
  try {
    // In the order in which the properties are declared: that of the fields of a form.
    const json = JSON.parse(JSON.stringify(describe() ?? null)) as JsonValue;
    return isJsonSchema(json) ? withoutDialect(json) : null;
  } catch {
    return null;
  }
}

/** Dates and bigints are given as text in JSON. */
function ofZod(schema: z.ZodType, io: Io): unknown {
  return z.toJSONSchema(schema, {
    target: DIALECT,
    io,
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

function ofStandard(schema: StandardSchema, io: Io): unknown {
  const converter: unknown = Reflect.get(schema['~standard'], 'jsonSchema');
  const convert: unknown = typeof converter === 'object' && converter && Reflect.get(converter, io);
  if (typeof convert === 'function') {
    // What JSON Schema cannot express, such as `check` of valibot, is left out instead of refused.
    return Reflect.apply(convert, converter, [{ target: DIALECT, libraryOptions: { errorMode: 'ignore' } }]);
  }
  return isOfValibot(schema) ? ofValibot(schema, io) : null;
}

function isOfValibot(schema: StandardSchema): boolean {
  return schema['~standard'].vendor === 'valibot';
}

/** @throws where the package is not installed */
function ofValibot(schema: StandardSchema, io: Io): unknown {
  const { toJsonSchema } = createRequire(import.meta.url)('@valibot/to-json-schema') as {
    toJsonSchema: (schema: unknown, options: object) => unknown;
  };
  return toJsonSchema(schema, { target: DIALECT, typeMode: io, errorMode: 'ignore' });
}

function withoutDialect(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keyword !== '$schema'));
}
