import type { OpenAPIObject } from '@nestjs/swagger';
import { Ajv, type ValidateFunction } from 'ajv';
import type { AdminClient, AdminResponse } from './admin-client.js';

interface Operation {
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content | undefined>>;
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: object } | undefined>>;
}

/** Validates requests and responses against an OpenAPI document. */
export class ApiContract {
  /** Violations, each with the request in which it occurred. */
  readonly problems: string[] = [];
  private readonly seen = new Set<string>();
  private readonly ajv = new Ajv({ allErrors: true, keywords: ['example'], formats: { password: true } });
  private readonly validators = new Map<object, ValidateFunction>();
  private readonly operations: { name: string; pattern: RegExp; operation: Operation }[];

  constructor(
    document: OpenAPIObject,
    private readonly prefix: string,
  ) {
    this.operations = Object.entries(dereferenced(document).paths)
      .flatMap(([path, item]) =>
        Object.entries(item as Readonly<Record<string, Operation>>).map(([method, operation]) => ({
          name: `${method.toUpperCase()} ${path.slice(prefix.length)}`,
          pattern: new RegExp(`^${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
          operation,
        })),
      )
      .toSorted((a, b) => placeholders(a.name) - placeholders(b.name));
  }

  /** The documented statuses that did not occur yet, by operation, except the given ones. */
  unseen(except: readonly number[]): string[] {
    return this.operations
      .flatMap(({ name, operation }) => Object.keys(operation.responses).map((status) => `${name} ${status}`))
      .filter((entry) => !this.seen.has(entry) && !except.includes(Number(entry.split(' ').at(-1))));
  }

  /** Wraps a client: every request and response of it is validated. */
  watch(client: AdminClient): AdminClient {
    return {
      ...client,
      get: async <T>(path = '', headers: Record<string, string> = {}) => {
        const response = await client.get<T>(path, headers);
        this.check('GET', path, undefined, response);
        return response;
      },
      send: async <T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
        const response = await client.send<T>(method, path, body, headers);
        this.check(method, path, body ?? {}, response);
        return response;
      },
    };
  }

  private check(method: string, path: string, sent: unknown, { status, headers, body }: AdminResponse): void {
    const what = `${method} ${path.split('?')[0]}`;
    const requested = `${method} ${this.prefix}${path.split('?')[0]}`;
    const found = this.operations.find(({ pattern }) => pattern.test(requested));
    const documented = found?.operation.responses[String(status)];
    if (!found || !documented) {
      this.problems.push(`${what}: status ${status} is not documented`);
      return;
    }
    this.seen.add(`${found.name} ${status}`);
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    this.validate(`${what} ${status}`, documented, type, body);
    if (status < 400 && sent !== undefined && found.operation.requestBody) {
      this.validate(`body of ${what}`, found.operation.requestBody, 'application/json', sent);
    }
  }

  private validate(what: string, { content }: Content, type: string, value: unknown): void {
    const schema = content?.[type]?.schema;
    if (!schema) {
      this.problems.push(`${what}: ${type} is not documented`);
      return;
    }
    const validate = this.validators.get(schema) ?? this.ajv.compile(toJsonSchema(schema) as object);
    this.validators.set(schema, validate);
    if (!validate(value)) {
      const lines = validate.errors?.map(
        ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
      );
      this.problems.push(`${what}: ${lines?.join('; ')}`);
    }
  }
}

/** The document with each named schema in the place of its references. */
export function dereferenced(document: OpenAPIObject): OpenAPIObject {
  const schemas: Readonly<Record<string, object>> = document.components?.schemas ?? {};
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(replace);
    }
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    const reference: unknown = Reflect.get(value, '$ref');
    if (typeof reference !== 'string') {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, replace(part)]));
    }
    const schema = schemas[reference.replace('#/components/schemas/', '')];
    if (!schema) {
      throw new Error(`Expected a schema at ${reference}, got none`);
    }
    return replace(schema);
  };
  return { ...document, paths: replace(document.paths) as OpenAPIObject['paths'] };
}

function placeholders(name: string): number {
  return name.split('{').length;
}

/** `exclusiveMinimum` is a flag beside `minimum` in OpenAPI 3.0, and the bound itself in JSON Schema. */
function toJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(toJsonSchema);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const { minimum, exclusiveMinimum, ...rest } = schema as Record<string, unknown>;
  const bound = exclusiveMinimum === true ? { exclusiveMinimum: minimum } : { minimum };
  return Object.fromEntries(
    Object.entries({ ...rest, ...(minimum === undefined ? {} : bound) }).map(([key, value]) => [
      key,
      toJsonSchema(value),
    ]),
  );
}
