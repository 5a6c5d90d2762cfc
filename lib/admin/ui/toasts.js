import { html } from './preact.min.js';
import { createStore, useStore } from './store.js';

const INFO_MS = 4_000;
const ERROR_MS = 9_000;

const messages = createStore([]);
let ids = 0;

/** Shows a message for some seconds. */
export function toast(text, kind = 'info') {
  const message = { id: ++ids, text, kind };
  messages.set([...messages.get(), message]);
  setTimeout(
    () => messages.set(messages.get().filter((it) => it !== message)),
    kind === 'error' ? ERROR_MS : INFO_MS,
  );
}

/** The messages of the moment. */
export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${useStore(messages).map(({ id, text, kind }) => html`<p class="toast ${kind}" key=${id}><bdi>${text}</bdi></p>`)}
  </div>`;
}
