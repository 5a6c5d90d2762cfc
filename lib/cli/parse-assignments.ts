import { CliUsageError } from './cli.error.js';

/** Reads `perSecondOnPeak=4 batchSize=20` as an object; whether key and value fit, the config itself checks. */
export function parseAssignments(words: readonly string[]): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) {
      throw new CliUsageError(`Expected key=value such as perSecondOnPeak=4, got ${JSON.stringify(word)}.`);
    }
    const key = word.slice(0, at);
    if (Object.hasOwn(patch, key)) {
      throw new CliUsageError(`Expected each key once, got ${key} twice.`);
    }
    Object.defineProperty(patch, key, { value: parseScalar(word.slice(at + 1)), enumerable: true });
  }
  return patch;
}

/** `null`, a number, an object in JSON, or the text as it is. */
function parseScalar(text: string): unknown {
  if (text === 'null') {
    return null;
  }
  if (text.startsWith('{')) {
    return parseJson(text, `JSON such as {"max":50,"perMs":1000}`);
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

/** Reads a bound of `start` and `preview`: JSON for keys of several columns, else an id or text. */
export function parseBound(text: string): unknown {
  if (/^[{["]/.test(text)) {
    return parseJson(text, `JSON such as {"id":5} or a plain key`);
  }
  const id = Number(text);
  // A bigint key would lose digits as a number, so it stays text.
  return /^-?\d+$/.test(text) && Number.isSafeInteger(id) ? id : text;
}

function parseJson(text: string, expected: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CliUsageError(`Expected ${expected}, got ${text}.`, { cause: error });
  }
}

/** A whole number of an option. */
export function parseWhole(option: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new CliUsageError(
        `Expected ${option} to be a whole number from ${least} on, got ${JSON.stringify(text)}.`,
      );
    }
    return value;
  };
}
