/**
 * Makes an element. Texts only ever become text nodes, so nothing from outside is read as markup.
 *
 * @param {string} tag `div`, or `div.class.other`
 * @param {Record<string, string | number | boolean | Function | null | undefined>} [props] `on…` are listeners, the rest attributes; `false` leaves one out
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const node = document.createElement(name);
  if (classes.length > 0) node.className = classes.join(' ');
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Sets the text where it differs, so that screen readers and selections are left in peace. */
export function setText(node, text) {
  const value = String(text);
  if (node.textContent !== value) node.textContent = value;
}

/** Calls `draw` when the value differs from that of the call before. */
export function onChange(draw) {
  let before;
  return (value) => {
    const now = JSON.stringify(value);
    if (now !== before) {
      before = now;
      draw(value);
    }
  };
}

/** A button; its listener's errors become a message. */
export function button(text, onclick, { kind = '', ...props } = {}) {
  return el(`button${kind ? `.${kind}` : ''}`, { type: 'button', ...props, onclick: guarded(onclick) }, text);
}

/** Tells what happened, for a while. */
export function toast(text, kind = 'info') {
  const node = el(`p.toast.${kind}`, {}, text);
  document.getElementById('toasts').append(node);
  setTimeout(() => node.remove(), kind === 'error' ? 9000 : 4000);
}

/** A listener whose errors are shown. */
export function guarded(listener) {
  return (event) => {
    Promise.resolve()
      .then(() => listener(event))
      .catch((error) => toast(error.message, 'error'));
  };
}
