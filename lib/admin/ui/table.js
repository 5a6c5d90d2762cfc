import { html } from './preact.min.js';

/**
 * A table; on narrow screens its rows are stacked. `rows` are `{ key, cells }`; `empty` is shown instead where there are
 * none. A long one scrolls, unless it `isWhole`.
 */
export function Table({ caption, headings, rows, empty, isWhole = false }) {
  if (rows.length === 0) return html`<p class="quiet">${empty}</p>`;
  return html`<div class=${isWhole ? 'scroll whole' : 'scroll'} tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class="hidden">${caption}</caption>
      <thead>
        <tr>${headings.map((heading) => html`<th scope="col" key=${heading}>${heading}</th>`)}</tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ key, cells }) =>
            html`<tr key=${key}>${cells.map((cell, i) => html`<td key=${i} data-label=${headings[i]}>${cell}</td>`)}</tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
