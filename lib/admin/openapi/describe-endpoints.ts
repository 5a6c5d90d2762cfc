import type { Type } from '@nestjs/common';
import { z } from 'zod';
import { errorAnswer } from './answers.js';
import { ENDPOINTS } from './endpoints.js';
import type { EndpointDescription } from './endpoints.js';

/**
 * Where `@nestjs/swagger` looks for what its decorators say. Written by hand, so that nothing of it is
 * imported where an app has none.
 */
const SWAGGER = {
  operation: 'swagger/apiOperation',
  response: 'swagger/apiResponse',
  parameters: 'swagger/apiParameters',
  tags: 'swagger/apiUseTags',
  exclude: 'swagger/apiExcludeController',
} as const;

/** Has the endpoints of controllers describe themselves to OpenAPI; those that are no API stay out. */
export function describeEndpoints(controllers: readonly Type[]): void {
  for (const controller of controllers) {
    const described = Object.entries(ENDPOINTS).flatMap(([method, description]) => {
      const handler: unknown = Reflect.get(controller.prototype as object, method);
      return typeof handler === 'function' ? [{ handler, description }] : [];
    });
    if (described.length === 0) {
      Reflect.defineMetadata(SWAGGER.exclude, [true], controller);
    }
    Reflect.defineMetadata(SWAGGER.tags, ['backfills'], controller);
    for (const { handler, description } of described) {
      Reflect.defineMetadata(SWAGGER.operation, { summary: description.summary }, handler);
      Reflect.defineMetadata(SWAGGER.response, responses(description), handler);
      Reflect.defineMetadata(SWAGGER.parameters, parameters(description), handler);
    }
  }
}

function responses({ answer, status, errors }: EndpointDescription): object {
  const good =
    answer === 'event-stream'
      ? { description: 'The stream', content: { 'text/event-stream': { schema: { type: 'string' } } } }
      : { description: 'Done', schema: toSchema(answer, 'output') };
  return {
    [status ?? 200]: good,
    ...(status === undefined ? {} : { 200: { ...good, description: 'It was so already' } }),
    ...Object.fromEntries(
      Object.entries(errors).map(([code, description]) => [
        code,
        { description, schema: toSchema(errorAnswer, 'output') },
      ]),
    ),
  };
}

function parameters({ path = {}, query, headers = {}, body }: EndpointDescription): object[] {
  const text = { type: 'string' };
  return [
    ...Object.entries(path).map(([name, description]) => ({
      in: 'path',
      name,
      description,
      required: true,
      schema: text,
    })),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
      in: 'query',
      name,
      required: false,
      schema: toSchema(schema, 'input'),
    })),
    ...Object.entries(headers).map(([name, description]) => ({
      in: 'header',
      name,
      description,
      required: false,
      schema: text,
    })),
    ...(body ? [{ in: 'body', type: String, required: false, schema: toSchema(body, 'input') }] : []),
  ];
}

function toSchema(schema: z.core.$ZodType, io: 'input' | 'output'): object {
  return nullsAllowed(
    z.toJSONSchema(schema, { target: 'openapi-3.0', io, unrepresentable: 'any' }),
  ) as object;
}

/** OpenAPI 3.0 reads `nullable` only beside a `type`, and a `null` only where an `enum` has it too. */
function nullsAllowed(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(nullsAllowed);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, nullsAllowed(value)]),
  ) as { nullable?: boolean; anyOf?: object[]; enum?: unknown[] };
  if (nullable === undefined) {
    return rest;
  }
  return rest.anyOf
    ? { ...rest, anyOf: rest.anyOf.map((one) => ({ ...one, nullable })) }
    : { ...rest, nullable, ...(rest.enum ? { enum: [...new Set([...rest.enum, null])] } : {}) };
}
