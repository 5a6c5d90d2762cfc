import type { StoredError } from './backfill-status.js';

const MESSAGE_CHARACTERS = 2_000;
const STACK_CHARACTERS = 4_000;

/** An error as it is kept: its text bounded, whatever was thrown. */
export function toStoredError(error: unknown): StoredError {
  if (!looksLikeError(error)) {
    return { name: 'Error', message: bounded(describe(error), MESSAGE_CHARACTERS) };
  }
  return {
    name: error.name,
    message: bounded(error.message, MESSAGE_CHARACTERS),
    ...(typeof error.stack === 'string' ? { stack: bounded(error.stack, STACK_CHARACTERS) } : {}),
  };
}

/** What Node itself throws is no instance of `Error` where the app runs in a context of its own, as in Jest. */
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

function bounded(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} characters more)`;
}
