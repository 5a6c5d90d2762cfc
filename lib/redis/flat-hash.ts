const EMPTY: Readonly<Record<string, string>> = Object.freeze({});

/** A hash that a script returns as a list of fields and values, by turns. */
export function toHash(flat: readonly string[]): Readonly<Record<string, string>> {
  if (flat.length === 0) {
    return EMPTY;
  }
  const hash: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) {
    hash[flat[i] ?? ''] = flat[i + 1] ?? '';
  }
  return hash;
}
