import { CliUsageError } from './cli.error.js';

/**
 * Parses `['perSecondOnPeak=4', 'batchSize=20']` into an object. Keys and values are validated later, by the
 * schema of the config.
 *
 * @param example for the error of an assignment without `=`
 */
export function parseAssignments(
  assignments: readonly string[],
  example = 'perSecondOnPeak=4',
): Record<string, unknown> {
  const entries = splitAssignments(assignments, example);
  return Object.fromEntries(entries.map(([key, text]) => [key, parseValue(text)]));
}

/**
 * Splits assignments at their first `=`.
 *
 * @param example for the error where there is none
 */
export function splitAssignments(
  assignments: readonly string[],
  example: string,
): [key: string, text: string][] {
  const seen = new Set<string>();
  return assignments.map((assignment) => {
    const at = assignment.indexOf('=');
    if (at < 1) {
      throw new CliUsageError(`Expected key=value such as ${example}, got ${JSON.stringify(assignment)}.`);
    }
    const key = assignment.slice(0, at);
    if (seen.has(key)) {
      throw new CliUsageError(`Expected each key once, got ${key} twice.`);
    }
    seen.add(key);
    return [key, assignment.slice(at + 1)];
  });
}

/** `null`, a JSON object, a number, else the text itself. */
function parseValue(text: string): unknown {
  if (text === 'null') {
    return null;
  }
  if (text.startsWith('{')) {
    return parseJson(text, `JSON such as {"max":50,"perMs":1000}`);
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

/** Parses a bound of `start` and `preview`: JSON for composite keys, a safe integer, else text. */
export function parseBound(text: string): unknown {
  if (/^[{["]/.test(text)) {
    return parseJson(text, `JSON such as {"id":5} or a plain key`);
  }
  const id = Number(text);
  // A bigint beyond 2^53 would lose digits as a number and stays text.
  return /^-?\d+$/.test(text) && Number.isSafeInteger(id) ? id : text;
}

function parseJson(text: string, expected: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CliUsageError(`Expected ${expected}, got ${text}.`, { cause });
  }
}

/** An argument parser of commander for a whole number from `minimum` on. */
export function wholeNumber(option: string, minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < minimum) {
      throw new CliUsageError(
        `Expected ${option} to be a whole number from ${minimum} on, got ${JSON.stringify(text)}.`,
      );
    }
    return value;
  };
}
