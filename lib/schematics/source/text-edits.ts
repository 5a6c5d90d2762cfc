/** A text to put in at a place of another one. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Puts texts in from the end on, so that the places before stay where they are. */
export function insertAll(source: string, insertions: readonly Insertion[]): string {
  return insertions
    .toSorted((a, b) => b.at - a.at)
    .reduce(
      (text, insertion) => text.slice(0, insertion.at) + insertion.text + text.slice(insertion.at),
      source,
    );
}
