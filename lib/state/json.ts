import type { z } from 'zod';

/** `undefined` where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Freezes what was parsed, with all that is in it, so that it can be shared. */
export function freezeParsed<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freezeParsed);
  }
  return value;
}

/** What a text has of a shape; `null` where it has nothing that this version can read. */
export function decodeJson<Shape extends z.ZodType>(
  text: string | null | undefined,
  shape: Shape,
): z.output<Shape> | null {
  // Most runs have none of these fields, and an error for each of them would cost more than the rest of a status.
  if (!text) {
    return null;
  }
  const parsed = shape.safeParse(parseJson(text));
  return parsed.success ? parsed.data : null;
}
