import { html } from './preact.min.js';
import { Field, TextField } from './field.js';

/** The fields of the parameters of a run. `texts` are by the path of the field. */
export function ParamsForm({ fields, texts, errors, onText }) {
  return html`<fieldset class="params">
    <legend>Parameters</legend>
    ${fields.map(
      (field) =>
        html`<${ParamField} key=${field.path} field=${field} text=${texts[field.path] ?? ''} error=${errors[field.path]} onText=${(text) => onText(field.path, text)} />`,
    )}
  </fieldset>`;
}

function ParamField({ field, text, error, onText }) {
  const { path, kind, label, hint, standard, isRequired } = field;
  const shared = { id: `field-${path}`, label, hint, error };
  const required = isRequired ? 'true' : null;
  if (kind === 'choice') {
    const choices = field.choices ?? [true, false];
    return html`<${Field} ...${shared}>
      ${(attributes) =>
        html`<select ...${attributes} aria-required=${required} value=${text} onChange=${(event) => onText(event.target.value)}>
          <option value="">${standard === undefined ? '–' : `default: ${standard}`}</option>
          ${choices.map((choice) => html`<option key=${choice} value=${JSON.stringify(choice)}>${String(choice)}</option>`)}
        </select>`}
    <//>`;
  }
  const placeholder = standard === undefined ? '' : `default: ${standard}`;
  if (kind === 'json') {
    return html`<${Field} ...${shared}>
      ${(attributes) =>
        html`<textarea
          ...${attributes}
          rows="3"
          spellcheck=${false}
          aria-required=${required}
          placeholder=${placeholder}
          value=${text}
          onInput=${(event) => onText(event.target.value)}
        ></textarea>`}
    <//>`;
  }
  return html`<${TextField}
    ...${shared}
    ...${INPUTS[kind]}
    aria-required=${required}
    placeholder=${placeholder}
    value=${text}
    onValue=${onText}
  />`;
}

const INPUTS = {
  text: {},
  number: { inputmode: 'decimal' },
  password: { type: 'password', autocomplete: 'new-password' },
  time: { type: 'datetime-local', step: '1' },
};
