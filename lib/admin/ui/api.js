/** Where the endpoints are: the page stands at `<base>/ui`, whatever is before it. */
export const BASE = location.pathname.replace(/\/ui\/?$/, '');

/** An answer that is no success. */
export class ApiError extends Error {
  constructor(status, body) {
    super(messageOf(body) ?? `The server answered ${status}`);
    this.status = status;
    this.code = body?.code;
  }
}

/** Reads an endpoint. `isWanted` tells its answer from an envelope that the app may put around it. */
export async function read(path, isWanted) {
  return (await call(path, { headers: { accept: 'application/json' } }, isWanted)).body;
}

/** Changes something. */
export async function change(method, path, body = {}, headers = {}) {
  const init = {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  return (await call(path, init, (value) => 'state' in value || 'config' in value)).body;
}

export const isList = Array.isArray;
export const has = (key) => (value) => typeof value === 'object' && value !== null && key in value;
export const nameUrl = (name) => `/${encodeURIComponent(name)}`;

async function call(path, init, isWanted) {
  const response = await fetch(`${BASE}${path}`, { credentials: 'same-origin', cache: 'no-store', ...init });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, body);
  return { body: unwrapped(body, isWanted) };
}

/** An interceptor of the app may wrap every answer, as in `{ data: … }`. */
function unwrapped(body, isWanted) {
  if (isWanted(body)) return body;
  const inner = Object.values(body ?? {}).find(
    (value) => typeof value === 'object' && value && isWanted(value),
  );
  if (inner === undefined) throw new Error('The server answered something unexpected');
  return inner;
}

function messageOf(body) {
  const message = body?.message ?? body?.error?.message;
  return Array.isArray(message) ? message.join('; ') : message;
}
