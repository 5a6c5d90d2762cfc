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

/** What the responses of Express and Fastify offer for writing by hand. */
export interface AdminResponse {
  readonly raw?: ServerResponse;
  /** Fastify: leaves the response to us. */
  hijack?(): unknown;
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>;
}

/** Takes the response over from the framework, with the headers that hooks of the app have set. */
export function takeOver(response: AdminResponse): ServerResponse {
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

/** The value of a header that may come once; of several the first. */
export function header(request: AdminRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
