/**
 * A count with its noun, for messages: `1 row`, `1,200 rows`, `2 batches`.
 *
 * @param noun in the singular, with a regular plural
 */
export function countOf(count: number | bigint, noun: string): string {
  return `${count.toLocaleString('en-US')} ${nounFor(count, noun)}`;
}

/** The noun in the form for a count. */
export function nounFor(count: number | bigint, noun: string): string {
  if (Number(count) === 1) {
    return noun;
  }
  return /(?:s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
}
