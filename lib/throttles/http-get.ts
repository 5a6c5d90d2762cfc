const MAX_BYTES = 1_048_576;

/** A request with GET. */
export interface HttpGet {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/**
 * The body of the answer. Errors name the service and what it did, never the headers of the request or the query of the URL, which
 * may have secrets. A redirect is not followed: the headers are for the service that was named.
 *
 * @throws TypeError for a header that HTTP does not allow
 * @throws Error for a status other than 2xx, a body of more than 1 MiB, and where there is no answer in time
 */
export async function httpGet({ url, headers, timeoutMs }: HttpGet): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { headers: toHeaders(headers), redirect: 'manual', signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw new HttpAnswerError(`Expected a status 2xx of ${url.origin}, got ${statusOf(response, url)}`);
    }
    return await readBody(response, url);
  } catch (error) {
    if (error instanceof HttpAnswerError || error instanceof InvalidHeaderError) {
      throw error;
    }
    const got = signal.aborted ? `none within ${timeoutMs} ms` : causeOf(error);
    throw new Error(`Expected an answer of ${url.origin}, got ${got}`, { cause: error });
  }
}

class HttpAnswerError extends Error {}
class InvalidHeaderError extends TypeError {}

function toHeaders(headers: Readonly<Record<string, string>>): Headers {
  const valid = new Headers({ accept: 'application/json' });
  for (const [name, value] of Object.entries(headers)) {
    try {
      valid.set(name, value);
    } catch {
      // The message of the error has the value.
      throw new InvalidHeaderError(
        `Expected a header that HTTP allows, got ${JSON.stringify(name)} with another name or value`,
      );
    }
  }
  return valid;
}

function statusOf({ status, headers }: Response, url: URL): string {
  const location = headers.get('location');
  if (status < 300 || status >= 400 || location === null || !URL.canParse(location, url.href)) {
    return String(status);
  }
  const { origin, pathname } = new URL(location, url);
  return `${status}, a redirect to ${origin}${pathname}, which is not followed: use the URL that answers`;
}

async function readBody(response: Response, url: URL): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  // Leaving the loop cancels the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) {
      throw new HttpAnswerError(
        `Expected an answer of ${url.origin} of at most ${MAX_BYTES} bytes, got more`,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): string {
  const { cause = error } = error as { readonly cause?: unknown };
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? code : String(cause);
}
