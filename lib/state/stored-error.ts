const MESSAGE_LENGTH = 2_000;
const STACK_LENGTH = 4_000;

/**
 * A stored error, with message and stack truncated.
 *
 * @publicApi
 */
export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/**
 * The last error of a run, whatever became of its range.
 *
 * @publicApi
 */
export interface LastError extends StoredError {
  /** ISO time. */
  readonly at: string;
}

/** Makes whatever was thrown an error to store. */
export function toStoredError(error: unknown): StoredError {
  if (!looksLikeError(error)) {
    return { name: 'Error', message: truncated(describe(error), MESSAGE_LENGTH) };
  }
  return {
    name: error.name,
    message: truncated(error.message, MESSAGE_LENGTH),
    ...(typeof error.stack === 'string' ? { stack: truncated(error.stack, STACK_LENGTH) } : {}),
  };
}

/** In another realm, as Jest's, errors of Node are no instances of `Error`. */
function looksLikeError(thrown: unknown): thrown is Error {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    typeof Reflect.get(thrown, 'name') === 'string' &&
    typeof Reflect.get(thrown, 'message') === 'string'
  );
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') {
    return thrown;
  }
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return String(thrown);
  }
}

function truncated(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length - length} characters more)`;
}
