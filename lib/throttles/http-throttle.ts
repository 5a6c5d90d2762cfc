import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { parseHttpAnswer } from './http-answer.js';
import { httpGet } from './http-get.js';
import { thresholdThrottle } from './threshold-throttle.js';

const TIMEOUT_MS = 1_500;
const MAX_TIMEOUT_MS = 2_000;

type Headers = Readonly<Record<string, string>>;

/**
 * Options of {@link httpThrottle}.
 *
 * @publicApi
 */
export interface HttpThrottleOptions extends ThrottleOptions {
  /** Asked with GET. `http:` or `https:`; a user and password in it are sent as basic authentication. */
  readonly url: string | URL;
  /** Names the throttle in log lines, warnings and the status. Default `http` and the host. */
  readonly name?: string;
  /** Headers of the request, or what returns them for each. Default: none. */
  readonly headers?: Headers | (() => Headers | Promise<Headers>);
  /** Milliseconds within which the service answers, or has failed. At most 2000, after which every throttle has. Default 1500. */
  readonly timeoutMs?: number;
  /** Where the service answers with a number: above this the rate is reduced. Default 0. */
  readonly from?: number;
  /** Where the service answers with a number: from this on the backfill is held. Default 1. */
  readonly to?: number;
}

/**
 * Slows down as a service says. It answers with a JSON object `{ "pressure": 0.5, "reason": "…" }`, with a number, alone or as
 * `{ "value": 12 }`, or as the HTTP API of Prometheus answers an instant query: the highest value counts, series that are
 * `NaN` do not. Another answer, one of more than 1 MiB, a status other than 2xx (a redirect is not followed), no series in the
 * result of a query, or no answer in time is an error, see `onError`. Errors have neither the headers nor the query of the URL.
 *
 * @example
 * ```ts
 * httpThrottle({
 *   name: 'cpu',
 *   url: `http://prometheus:9090/api/v1/query?query=${encodeURIComponent('max(node_load1)')}`,
 *   from: 4,
 *   to: 16,
 *   everyMs: 5_000,
 * })
 * ```
 *
 * @throws RangeError unless `from` is below `to`, and `timeoutMs` above 0 and at most 2000
 * @throws TypeError unless `url` is one of `http:` or `https:`
 * @publicApi
 */
export function httpThrottle(options: HttpThrottleOptions): BackfillThrottle {
  const { url, name, headers = {}, timeoutMs = TIMEOUT_MS, from = 0, to = 1, ...rest } = options;
  const target = parseUrl(url);
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new RangeError(
      `Expected the timeoutMs of httpThrottle to be above 0 and at most ${MAX_TIMEOUT_MS}, got ${timeoutMs}`,
    );
  }
  const authorization = takeAuthorization(target);
  const title = name ?? `http ${target.host}`;
  let said: string | null = null;
  return thresholdThrottle({
    ...rest,
    name: title,
    throttleAt: from,
    stopAt: to,
    read: async () => {
      const own = typeof headers === 'function' ? await headers() : headers;
      const body = await httpGet({ url: target, headers: { ...authorization, ...own }, timeoutMs });
      const answer = parseHttpAnswer(body);
      const isPressure = answer.kind === 'pressure';
      said = answer.reason ?? (isPressure ? `pressure ${answer.value}` : null);
      return isPressure ? from + answer.value * (to - from) : answer.value;
    },
    reason: (value) => (said === null ? `${title} ${Number(value.toPrecision(4))}` : `${title}: ${said}`),
  });
}

function parseUrl(url: string | URL): URL {
  if (!URL.canParse(String(url))) {
    // It may have a password.
    throw new TypeError(
      'Expected a URL http://... or https://... for httpThrottle, got one that is not valid',
    );
  }
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new TypeError(`Expected a URL http://... or https://... for httpThrottle, got ${parsed.protocol}`);
  }
  return parsed;
}

/** Takes user and password off the URL, which `fetch` refuses. */
function takeAuthorization(url: URL): Headers {
  const { username, password } = url;
  if (username === '' && password === '') {
    return {};
  }
  url.username = '';
  url.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
