/**
 * Creates an element. Strings become text nodes, never HTML: values from outside cannot inject markup.
 *
 * @param {string} tag `div`, or `div.class.other`
 * @param {Record<string, string | number | boolean | Function | null | undefined>} [props] `on…`: event listeners; others: attributes, left out where `false`
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

/** Sets the text if it differs: an update would reset a selection and be announced by screen readers. */
export function setText(node, text) {
  const value = String(text);
  if (node.textContent !== value) node.textContent = value;
}

/** Returns a function that calls `draw` when its argument differs from that of the previous call. */
export function onChange(draw) {
  let previous;
  return (value) => {
    const current = JSON.stringify(value);
    if (current !== previous) {
      previous = current;
      draw(value);
    }
  };
}

/** A button; errors of its listener are shown as a toast. */
export function button(text, onclick, { kind = '', ...props } = {}) {
  return el(
    `button${kind ? `.${kind}` : ''}`,
    { type: 'button', ...props, onclick: withErrorToast(onclick) },
    text,
  );
}

/** Shows a message for some seconds. */
export function toast(text, kind = 'info') {
  const node = el(`p.toast.${kind}`, {}, text);
  document.getElementById('toasts').append(node);
  setTimeout(() => node.remove(), kind === 'error' ? 9000 : 4000);
}

/** Wraps a listener so that its errors are shown as a toast. */
export function withErrorToast(listener) {
  return (event) => {
    Promise.resolve()
      .then(() => listener(event))
      .catch((error) => toast(error.message, 'error'));
  };
}
