import type { JsonSchema } from '../../handlers/params/json-schema.js';
import type { Component } from './components.js';
import type { DeclaredParams } from './declared-params.js';
import { toOpenApiSchema } from './to-openapi-schema.js';

/** Bodies that take parameters. */
const BODIES = new Set(['BackfillStartRequest', 'BackfillRehearseRequest', 'BackfillPreviewRequest']);

interface BodySchema {
  readonly properties: Readonly<Record<string, object>>;
}

/**
 * The named schemas of a document with those of the parameters of each backfill: `BackfillParams.<name>`. A path is of all
 * backfills, so that a body takes the parameters of any of them; more than one may accept the same.
 */
export function withParams(
  components: readonly Component[],
  declared: readonly DeclaredParams[],
): readonly Component[] {
  if (declared.every(({ schema }) => schema === null)) {
    return components;
  }
  const parameters = declared.flatMap(({ backfill, schema }) => componentsOf(backfill, schema));
  const alternatives = declared.map(({ backfill, schema }) =>
    schema === null
      ? { title: backfill, type: 'object' }
      : { $ref: `#/components/schemas/${nameOf(backfill)}` },
  );
  const described = components.map(({ name, schema }) =>
    BODIES.has(name) ? { name, schema: bodyWith(schema as BodySchema, alternatives) } : { name, schema },
  );
  return [...described, ...parameters];
}

function bodyWith(body: BodySchema, alternatives: readonly object[]): object {
  const description = 'Parameters of the run, by the schema of the backfill';
  return { ...body, properties: { ...body.properties, params: { description, anyOf: alternatives } } };
}

function nameOf(backfill: string): string {
  return `BackfillParams.${backfill}`;
}

/** The schema of a backfill, and those that it refers to. */
function componentsOf(backfill: string, schema: JsonSchema | null): Component[] {
  if (schema === null) {
    return [];
  }
  const definitions = (schema['$defs'] ?? {}) as JsonSchema;
  const nameOfDefinition = (key: string) => `${nameOf(backfill)}.${key.replaceAll(/[^\w.-]/g, '_')}`;
  const resolve = (reference: string): string | null => {
    const key = /^#\/\$defs\/([^/]+)$/.exec(reference)?.[1]?.replaceAll('~1', '/').replaceAll('~0', '~');
    if (reference === '#') {
      return nameOf(backfill);
    }
    return key !== undefined && Object.hasOwn(definitions, key) ? nameOfDefinition(key) : null;
  };
  return [
    { name: nameOf(backfill), schema: toOpenApiSchema(schema, resolve) },
    ...Object.entries(definitions).map(([key, definition]) => ({
      name: nameOfDefinition(key),
      schema: toOpenApiSchema(definition, resolve),
    })),
  ];
}
