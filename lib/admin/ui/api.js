/** URL path of the endpoints: the page is at `<base>/ui`, whatever prefix the app has. */
export const BASE = location.pathname.replace(/\/ui\/?$/, '');

/** A response with an error status. */
export class ApiError extends Error {
  constructor(status, body) {
    super(messageOf(body) ?? `The server answered ${status}`);
    this.status = status;
    this.code = body?.code;
  }
}

/** Sends a GET. `isExpected` recognizes the body, which an interceptor of the app may have wrapped. */
export async function read(path, isExpected) {
  return call(path, { headers: { accept: 'application/json' } }, isExpected);
}

/** Sends a request that changes state. */
export async function change(method, path, body = {}, headers = {}) {
  const init = {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  return call(path, init, (value) => 'state' in value || 'config' in value);
}

export const isList = Array.isArray;
export const has = (key) => (value) => typeof value === 'object' && value !== null && key in value;
export const nameUrl = (name) => `/${encodeURIComponent(name)}`;

async function call(path, init, isExpected) {
  const response = await fetch(`${BASE}${path}`, { credentials: 'same-origin', cache: 'no-store', ...init });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, body);
  return unwrap(body, isExpected);
}

/** The body, or the property of it that an interceptor of the app has wrapped it in, as in `{ data: … }`. */
function unwrap(body, isExpected) {
  if (isExpected(body)) return body;
  const inner = Object.values(body ?? {}).find(
    (value) => typeof value === 'object' && value && isExpected(value),
  );
  if (inner === undefined) throw new Error('The response of the server has an unexpected shape');
  return inner;
}

function messageOf(body) {
  const message = body?.message ?? body?.error?.message;
  return Array.isArray(message) ? message.join('; ') : message;
}
