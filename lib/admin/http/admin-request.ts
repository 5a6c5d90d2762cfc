import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** What the requests of Express and Fastify have in common. */
export interface AdminRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: IncomingHttpHeaders;
  readonly user?: unknown;
  readonly raw?: IncomingMessage;
}

/** What is used of the responses of Express and Fastify to write without the framework. */
export interface AdminResponse {
  readonly raw?: ServerResponse;
  /** Fastify only: stops it from sending a response of its own. */
  hijack?(): unknown;
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>;
}

/** The response of Node.js, to be ended by the caller; headers set by hooks of Fastify are copied to it. */
export function rawResponse(response: AdminResponse): ServerResponse {
  if (!response.raw) {
    return response as unknown as ServerResponse;
  }
  response.hijack?.();
  for (const [name, value] of Object.entries(response.getHeaders())) {
    if (value !== undefined) {
      response.raw.setHeader(name, value);
    }
  }
  return response.raw;
}

/** The value of a header; the first one where there are several. */
export function header(request: AdminRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
