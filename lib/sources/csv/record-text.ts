import { ContentProblem } from './content.problem.js';

/** `ignoreBOM` keeps a mark in the middle of a file, as the text that it is there. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of a record, without its line break.
 *
 * @throws ContentProblem where it is not UTF-8
 */
export function recordText(bytes: Uint8Array): string {
  return decoded(bytes).replace(/\r?\n$|\r$/, '');
}

function decoded(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw new ContentProblem('record', 'text in UTF-8', 'other bytes', undefined, { cause: error });
  }
}
