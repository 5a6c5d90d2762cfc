import { noteServerTime } from './clock.js';

/** URL path of the endpoints: the page is at `<base>/ui`, whatever prefix the app has. */
export const BASE = location.pathname.replace(/\/ui\/?$/, '');

/** Statuses with which a proxy says that the app does not answer. */
const AWAY = new Set([502, 504]);

/** A response with an error status, or none: `status` is 0 where the server did not answer. */
export class ApiError extends Error {
  constructor(status, body) {
    super(messageOf(body) ?? `The server answered ${status}.`);
    const details = body?.code || body?.fields ? body : (body?.error ?? {});
    this.status = status;
    this.code = details.code;
    /** The invalid fields of the request: `{ field, expected, received }`. */
    this.fields = Array.isArray(details.fields) ? details.fields : [];
  }

  get isAway() {
    return this.status === 0 || AWAY.has(this.status);
  }

  get isSignedOut() {
    return this.status === 401 || this.status === 403;
  }
}

/** Sends a GET. `isExpected` recognizes the body, which an interceptor of the app may have wrapped. */
export async function read(path, isExpected) {
  return call(path, { headers: { accept: 'application/json' } }, isExpected);
}

/** Sends a request that changes state. */
export async function change(method, path, body = {}, headers = {}) {
  return send(method, path, body, (value) => 'state' in value || 'config' in value, headers);
}

/** Sends a request with a body. `isExpected` recognizes the body of the answer. */
export async function send(method, path, body, isExpected, headers = {}) {
  const init = {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  return call(path, init, isExpected);
}

export const isList = Array.isArray;
export const has = (key) => (value) => typeof value === 'object' && value !== null && key in value;
export const nameUrl = (name) => `/${encodeURIComponent(name)}`;
/** A query string of the parameters that have a value. */
export const query = (params) => {
  const entries = Object.entries(params).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  );
  return entries.length > 0 ? `?${new URLSearchParams(entries)}` : '';
};

async function call(path, init, isExpected) {
  const response = await request(path, init);
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, body);
  // A guard that sends people to a form to sign in answers with a page.
  if (body === null && response.redirected) throw new ApiError(401, null);
  const value = unwrap(body, isExpected);
  noteServerTime(
    value.now ?? value[0]?.now ?? response.headers.get('date'),
    (value.now ?? value[0]?.now) !== undefined,
  );
  return value;
}

async function request(path, init) {
  try {
    return await fetch(`${BASE}${path}`, { credentials: 'same-origin', cache: 'no-store', ...init });
  } catch {
    throw new ApiError(0, { message: 'The server does not answer.' });
  }
}

/** The body, or the property of it that an interceptor of the app has wrapped it in, as in `{ data: … }`. */
function unwrap(body, isExpected) {
  if (body !== null && isExpected(body)) return body;
  const inner = Object.values(body ?? {}).find(
    (value) => typeof value === 'object' && value && isExpected(value),
  );
  if (inner === undefined) throw new Error('The response of the server has an unexpected shape.');
  return inner;
}

function messageOf(body) {
  const message = body?.message ?? body?.error?.message;
  return Array.isArray(message) ? message.join('; ') : message;
}
