import { html } from './preact.min.js';

/** Words with the texts of people and errors isolated: they may be in another script, and hold what changes direction. */
export function WordsText({ words }) {
  return words.map((word) => (typeof word === 'string' ? word : html`<bdi>${word.text}</bdi>`));
}
