import { html, useEffect, useRef } from './preact.min.js';

let ids = 0;

/** A modal dialog with a form: Enter submits, Escape closes. The focus returns to where it was, or to the actions. */
export function Dialog({ title, onClose, onSubmit, actions, error, isWide = false, children }) {
  const dialog = useRef();
  const id = useRef();
  id.current ??= `dialog-${++ids}`;
  useEffect(() => {
    const node = dialog.current;
    node.showModal();
    (node.querySelector('[data-focus]') ?? node.querySelector('input'))?.focus();
    return () => {
      // Gives the focus back to where it was before, unless that is gone.
      node.close();
      if (document.activeElement === document.body) focusActions();
    };
  }, []);
  const submit = (event) => {
    event.preventDefault();
    onSubmit();
  };
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${dialog} class=${isWide ? 'wide' : null} aria-labelledby=${id.current} onCancel=${cancel} onClose=${onClose}>
    <form novalidate onSubmit=${submit}>
      <h3 id=${id.current}>${title}</h3>
      ${children}
      ${error && html`<p class="alert" role="alert"><bdi>${error}</bdi></p>`}
      <div class="actions">${actions}</div>
    </form>
  </dialog>`;
}

function focusActions() {
  const target = document.querySelector('.detail-head .actions button') ?? document.getElementById('main');
  target.focus({ preventScroll: true });
}
