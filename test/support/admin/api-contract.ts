import type { OpenAPIObject } from '@nestjs/swagger';
import { Ajv } from 'ajv';
import type { AdminClient, Answer } from './admin-client.js';

interface Operation {
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content | undefined>>;
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: object } | undefined>>;
}

/** Holds answers against what an OpenAPI document says of them. */
export class ApiContract {
  /** What did not fit, each with the request it came from. */
  readonly problems: string[] = [];
  private readonly seen = new Set<string>();
  private readonly ajv = new Ajv({ allErrors: true });
  private readonly operations: { name: string; pattern: RegExp; operation: Operation }[];

  constructor(
    document: OpenAPIObject,
    private readonly prefix: string,
  ) {
    this.operations = Object.entries(document.paths)
      .flatMap(([path, item]) =>
        Object.entries(item as Readonly<Record<string, Operation>>).map(([method, operation]) => ({
          name: `${method.toUpperCase()} ${path.slice(prefix.length)}`,
          pattern: new RegExp(`^${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
          operation,
        })),
      )
      .toSorted((a, b) => placeholders(a.name) - placeholders(b.name));
  }

  /** Every status of every operation that is documented and was not answered, except the given ones. */
  unseen(except: readonly number[]): string[] {
    return this.operations
      .flatMap(({ name, operation }) => Object.keys(operation.responses).map((status) => `${name} ${status}`))
      .filter((answer) => !this.seen.has(answer) && !except.includes(Number(answer.split(' ').at(-1))));
  }

  /** A client whose every answer is held against the document. */
  watch(client: AdminClient): AdminClient {
    return {
      ...client,
      get: async <T>(path = '', headers: Record<string, string> = {}) => {
        const answer = await client.get<T>(path, headers);
        this.check('GET', path, undefined, answer);
        return answer;
      },
      send: async <T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
        const answer = await client.send<T>(method, path, body, headers);
        this.check(method, path, body ?? {}, answer);
        return answer;
      },
    };
  }

  private check(method: string, path: string, sent: unknown, { status, headers, body }: Answer): void {
    const what = `${method} ${path.split('?')[0]}`;
    const asked = `${method} ${this.prefix}${path.split('?')[0]}`;
    const found = this.operations.find(({ pattern }) => pattern.test(asked));
    const documented = found?.operation.responses[String(status)];
    if (!found || !documented) {
      this.problems.push(`${what}: status ${status} is not documented`);
      return;
    }
    this.seen.add(`${found.name} ${status}`);
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    this.fit(`${what} ${status}`, documented, type, body);
    if (status < 400 && sent !== undefined && found.operation.requestBody) {
      this.fit(`body of ${what}`, found.operation.requestBody, 'application/json', sent);
    }
  }

  private fit(what: string, { content }: Content, type: string, value: unknown): void {
    const schema = content?.[type]?.schema;
    if (!schema) {
      this.problems.push(`${what}: ${type} is not documented`);
      return;
    }
    const validate = this.ajv.compile(toJsonSchema(schema) as object);
    if (!validate(value)) {
      const lines = validate.errors?.map(
        ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
      );
      this.problems.push(`${what}: ${lines?.join('; ')}`);
    }
  }
}

function placeholders(name: string): number {
  return name.split('{').length;
}

/** OpenAPI 3.0 has a flag where JSON schema has the bound itself. */
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
