import type { Type } from '@nestjs/common';
import { components, referenceTo, toSchema } from './components.js';
import type { Component } from './components.js';
import { errorResponse, guardErrorResponse } from './error-responses.js';
import { ENDPOINTS } from './endpoints.js';
import type { EndpointDescription } from './endpoints.js';

/** Metadata keys of the decorators of `@nestjs/swagger`, an optional peer that is not imported here. */
const SWAGGER = {
  operation: 'swagger/apiOperation',
  response: 'swagger/apiResponse',
  parameters: 'swagger/apiParameters',
  tags: 'swagger/apiUseTags',
  exclude: 'swagger/apiExcludeController',
  models: 'swagger/apiExtraModels',
  security: 'swagger/apiSecurity',
  /** Of a class: further keys of its schema. */
  extension: 'swagger/apiExtension',
} as const;

/**
 * Describes the endpoints of controllers for OpenAPI; a controller without described endpoints is excluded.
 *
 * @param security names of security schemes, of which a request needs one
 */
export function describeEndpoints(controllers: readonly Type[], security: readonly string[]): void {
  defineModels(controllers, components());
  for (const controller of controllers) {
    const described = Object.entries(ENDPOINTS).flatMap(([method, description]) => {
      const handler: unknown = Reflect.get(controller.prototype as object, method);
      return typeof handler === 'function' ? [{ handler, description }] : [];
    });
    if (described.length === 0) {
      Reflect.defineMetadata(SWAGGER.exclude, [true], controller);
    }
    if (security.length > 0) {
      const alternatives = security.map((scheme) => ({ [scheme]: [] }));
      Reflect.defineMetadata(SWAGGER.security, alternatives, controller);
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

/** Has the document name these schemas, instead of those that were defined before. */
export function defineModels(controllers: readonly Type[], named: readonly Component[]): void {
  const models = named.map(({ name, schema }) => modelOf(name, schema));
  controllers.forEach((controller) => Reflect.defineMetadata(SWAGGER.models, models, controller));
}

/** The document has the schemas of classes only: a class whose schema is a given one. */
function modelOf(name: string, schema: object): Type {
  const Model = { [name]: class extends Object {} }[name] as Type;
  // A class is an object with properties to Swagger, and not every schema is one.
  Reflect.defineMetadata(SWAGGER.extension, { type: undefined, properties: undefined, ...schema }, Model);
  return Model;
}

function responses({ response, status, errors }: EndpointDescription): object {
  const success =
    response === 'event-stream'
      ? { description: 'The event stream', content: { 'text/event-stream': { schema: { type: 'string' } } } }
      : { description: 'Success', schema: referenceTo(response, 'output') };
  return {
    [status ?? 200]: success,
    ...(status === undefined
      ? {}
      : { 200: { ...success, description: 'Nothing changed: the request was repeated' } }),
    ...Object.fromEntries(
      Object.entries(errors).map(([code, description]) => [
        code,
        { description, schema: referenceTo(code === '401' ? guardErrorResponse : errorResponse, 'output') },
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
    ...(body ? [{ in: 'body', type: String, required: false, schema: referenceTo(body, 'input') }] : []),
  ];
}
