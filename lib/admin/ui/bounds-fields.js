import { html } from './preact.min.js';
import { TextField } from './field.js';

/** The fields for the first and the last row of a run. */
export function BoundsFields({ prefix, from, to, onFrom, onTo, errors }) {
  return [
    html`<${TextField} key="from" id="${prefix}-from" label="From" placeholder="first row" value=${from} onValue=${onFrom} error=${errors.from} />`,
    html`<${TextField}
      key="to"
      id="${prefix}-to"
      label="To"
      placeholder="last row"
      hint=${'Inclusive; a composite key as JSON: {"id": …}'}
      value=${to}
      onValue=${onTo}
      error=${errors.to}
    />`,
  ];
}
