import { html } from './preact.min.js';
import { displayOf } from './config-values.js';
import { labelOf } from './labels.js';

/** Config changes, a line each: the label of the key with its old and its new value. */
export function ChangeList({ patch = {}, from = {}, label = labelOf }) {
  // A patch may also repeat the value that was in force.
  const lines = Object.entries(patch).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(from[key] ?? null),
  );
  return html`<ul class="changes">
    ${lines.length === 0 && html`<li class="quiet">no difference</li>`}
    ${lines.map(
      ([key, value]) =>
        html`<li key=${key}>
          ${label(key)}${' '}<del><bdi>${displayOf(key, from[key] ?? null)}</bdi></del>${' → '}<ins><bdi>${displayOf(key, value)}</bdi></ins>
        </li>`,
    )}
  </ul>`;
}
