import { html } from './preact.min.js';
import { useKeptFocus } from './use-kept-focus.js';

/** A panel with a heading. */
export function Panel({ title, children }) {
  const area = useKeptFocus();
  const id = `section-${title.toLowerCase().replaceAll(/\W+/g, '-')}`;
  return html`<section class="panel" aria-labelledby=${id} tabindex="-1" ref=${area}>
    <h3 id=${id}>${title}</h3>
    ${children}
  </section>`;
}
