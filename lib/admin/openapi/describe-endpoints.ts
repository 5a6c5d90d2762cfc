import type { Type } from '@nestjs/common';
import { z } from 'zod';
import { errorResponse } from './response-schemas.js';
import { ENDPOINTS } from './endpoints.js';
import type { EndpointDescription } from './endpoints.js';

/** Metadata keys of the decorators of `@nestjs/swagger`, an optional peer that is not imported here. */
const SWAGGER = {
  operation: 'swagger/apiOperation',
  response: 'swagger/apiResponse',
  parameters: 'swagger/apiParameters',
  tags: 'swagger/apiUseTags',
  exclude: 'swagger/apiExcludeController',
} as const;

/** Describes the endpoints of controllers for OpenAPI; a controller without described endpoints is excluded. */
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
      // Mounts inherit their methods from one class, so an earlier one may have described them.
      if (Reflect.hasOwnMetadata(SWAGGER.operation, handler)) continue;
      Reflect.defineMetadata(SWAGGER.operation, { summary: description.summary }, handler);
      Reflect.defineMetadata(SWAGGER.response, responses(description), handler);
      Reflect.defineMetadata(SWAGGER.parameters, parameters(description), handler);
    }
  }
}

function responses({ response, status, errors }: EndpointDescription): object {
  const success =
    response === 'event-stream'
      ? { description: 'The event stream', content: { 'text/event-stream': { schema: { type: 'string' } } } }
      : { description: 'Success', schema: toSchema(response, 'output') };
  return {
    [status ?? 200]: success,
    ...(status === undefined
      ? {}
      : { 200: { ...success, description: 'Nothing changed: the request was repeated' } }),
    ...Object.fromEntries(
      Object.entries(errors).map(([code, description]) => [
        code,
        { description, schema: toSchema(errorResponse, 'output') },
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
  return withNullable(
    z.toJSONSchema(schema, { target: 'openapi-3.0', io, unrepresentable: 'any' }),
  ) as object;
}

/** OpenAPI 3.0 allows `nullable` only beside `type`, so not beside `anyOf`, and an `enum` must list `null`, too. */
function withNullable(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(withNullable);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withNullable(value)]),
  ) as { nullable?: boolean; anyOf?: object[]; enum?: unknown[] };
  if (nullable === undefined) {
    return rest;
  }
  return rest.anyOf
    ? { ...rest, anyOf: rest.anyOf.map((option) => ({ ...option, nullable })) }
    : { ...rest, nullable, ...(rest.enum ? { enum: [...new Set([...rest.enum, null])] } : {}) };
}
