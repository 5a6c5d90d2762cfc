/** A text to insert at an offset of another text. */
export interface TextInsertion {
  readonly at: number;
  readonly text: string;
}

/** Applies insertions from the last offset to the first, so that the remaining offsets stay valid. */
export function applyInsertions(source: string, insertions: readonly TextInsertion[]): string {
  return insertions
    .toSorted((a, b) => b.at - a.at)
    .reduce((text, { at, text: inserted }) => text.slice(0, at) + inserted + text.slice(at), source);
}

/** The line ending of a file. */
export function lineEndingOf(text: string): '\r\n' | '\n' {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
