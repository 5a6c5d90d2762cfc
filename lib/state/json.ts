import type { z } from 'zod';

/** `undefined` where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
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
