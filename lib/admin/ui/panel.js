import { html } from './preact.min.js';

/** A panel with a heading. */
export function Panel({ title, children }) {
  const id = `section-${title.toLowerCase().replaceAll(/\W+/g, '-')}`;
  return html`<section class="panel" aria-labelledby=${id}>
    <h3 id=${id}>${title}</h3>
    ${children}
  </section>`;
}
