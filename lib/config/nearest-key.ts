/** Longer than any key. Bounds the cost of the edit distance, which is the product of both lengths. */
const MAX_LENGTH = 40;

/**
 * The candidate that is most similar to a mistyped name, by Levenshtein distance. Case, `_` and `-` are ignored, so
 * `per_second_on_peak` finds `perSecondOnPeak`.
 *
 * @throws RangeError when there is no candidate.
 * @internal
 */
export function nearestKey<Key extends string>(name: string, candidates: readonly Key[]): Key {
  const [first, ...others] = candidates;
  if (first === undefined) throw new RangeError('expected at least one candidate, got none');
  const wanted = normalized(name);
  let nearest = first;
  let distance = editDistance(wanted, normalized(first));
  for (const candidate of others) {
    const other = editDistance(wanted, normalized(candidate));
    if (other < distance) [nearest, distance] = [candidate, other];
  }
  return nearest;
}

function normalized(name: string): string {
  return name.slice(0, MAX_LENGTH).toLowerCase().replaceAll(/[_-]/g, '');
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let index = 0; index < from.length; index++) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const substitution = (row[column - 1] ?? 0) + (to[column - 1] === from[index] ? 0 : 1);
      next.push(Math.min(substitution, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
