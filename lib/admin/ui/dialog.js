import { html, useEffect, useRef } from './preact.min.js';

let ids = 0;

/** A modal dialog with a form: Enter submits, Escape closes. The focus returns to where it was, or to the actions. */
export function Dialog({ title, onClose, onSubmit, actions, error, children }) {
  const dialog = useRef();
  const id = useRef();
  id.current ??= `dialog-${++ids}`;
  useEffect(() => {
    const invoker = document.activeElement;
    dialog.current.showModal();
    (dialog.current.querySelector('[data-focus]') ?? dialog.current.querySelector('input'))?.focus();
    return () => returnFocus(invoker);
  }, []);
  const submit = (event) => {
    event.preventDefault();
    onSubmit();
  };
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${dialog} aria-labelledby=${id.current} onCancel=${cancel} onClose=${onClose}>
    <form novalidate onSubmit=${submit}>
      <h3 id=${id.current}>${title}</h3>
      ${children}
      ${error && html`<p class="alert" role="alert"><bdi>${error}</bdi></p>`}
      <div class="actions">${actions}</div>
    </form>
  </dialog>`;
}

function returnFocus(invoker) {
  const target = invoker?.isConnected ? invoker : document.querySelector('.detail-head .actions button');
  (target ?? document.getElementById('main')).focus({ preventScroll: true });
}
