import { html } from './preact.min.js';
import { utc, when } from './format.js';

/** An instant: local with its zone, in UTC on hover. */
export function Time({ iso }) {
  return iso ? html`<time class="once" datetime=${iso} title=${utc(iso)}>${when(iso)}</time>` : '–';
}
