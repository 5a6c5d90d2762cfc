/** A response with its body parsed. */
export interface AdminResponse<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** The body of an error. */
export interface ErrorBody {
  readonly statusCode: number;
  readonly message: string;
  readonly error: string;
  readonly code?: string;
  readonly field?: string;
  readonly fields?: readonly { readonly field: string }[];
}

export interface AdminClient {
  readonly base: string;
  get<T>(path?: string, headers?: Record<string, string>): Promise<AdminResponse<T>>;
  send<T>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<AdminResponse<T>>;
}

/** A client of the admin endpoints at a URL. */
export function adminClient(base: string): AdminClient {
  const call = async <T>(path: string, init: RequestInit): Promise<AdminResponse<T>> => {
    // A connection that is kept may be closed by the server just as the next request is sent on it.
    const headers = { connection: 'close', ...(init.headers as Record<string, string>) };
    const response = await fetch(`${base}${path}`, { ...init, headers, redirect: 'manual' });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : text) as T,
    };
  };
  return {
    base,
    get: (path = '', headers = {}) => call(path, { headers }),
    send: (method, path, body, headers = {}) =>
      call(path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body ?? {}),
      }),
  };
}
