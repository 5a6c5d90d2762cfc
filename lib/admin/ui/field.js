import { html } from './preact.min.js';

/** A field with its label, hint and error. `children` is a function of the attributes that tie its input to them. */
export function Field({ id, label, hint, error, children }) {
  const hintId = hint ? `${id}-hint` : null;
  const errorId = error ? `${id}-error` : null;
  const attributes = {
    id,
    'aria-describedby': [hintId, errorId].filter(Boolean).join(' ') || null,
    'aria-invalid': error ? 'true' : null,
  };
  return html`<p class="field">
    <label for=${id}>${label}</label>
    ${children(attributes)}
    ${error && html`<strong class="field-error" id=${errorId}><bdi>${error}</bdi></strong>`}
    ${hint && html`<small id=${hintId}>${hint}</small>`}
  </p>`;
}

/** A field for a line of text. */
export function TextField({ id, label, hint, error, value, onValue, ...props }) {
  return html`<${Field} id=${id} label=${label} hint=${hint} error=${error}>
    ${(attributes) =>
      html`<input
        type="text"
        autocomplete="off"
        spellcheck=${false}
        ...${attributes}
        ...${props}
        value=${value}
        onInput=${(event) => onValue(event.target.value)}
      />`}
  <//>`;
}

/** The reason of an action. */
export function ReasonField(props) {
  return html`<${TextField} label="Reason (kept in the history)" maxlength="500" ...${props} />`;
}
