/**
 * Pages that so many entries touch: neighbours share one; scattered over the pages, each is missed with a probability of
 * (1 - 1 / pages) to the power of the entries.
 */
export function pagesTouched(
  entries: number,
  pages: number,
  totalEntries: number,
  isCorrelated: boolean,
): number {
  if (entries <= 0 || pages <= 0) {
    return 0;
  }
  return isCorrelated
    ? Math.min(pages, Math.max(1, (entries * pages) / Math.max(1, totalEntries)))
    : pages * (1 - Math.exp(-entries / pages));
}
