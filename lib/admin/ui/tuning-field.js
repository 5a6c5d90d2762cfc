import { html } from './preact.min.js';
import { Field, TextField } from './field.js';
import { DAYS, LABELS, labelOf } from './labels.js';

/** The input of one key of the config. */
export function TuningField({ name, value, current, error, onValue }) {
  const shared = { id: `config-${name}`, label: labelOf(name), hint: LABELS[name]?.[1], error };
  if (/Wday/.test(name)) {
    return html`<${Field} ...${shared}>
      ${(attributes) =>
        html`<select ...${attributes} value=${value} onChange=${(event) => onValue(event.target.value)}>
          ${DAYS.map((day, index) => html`<option key=${day} value=${String(index)}>${day}</option>`)}
        </select>`}
    <//>`;
  }
  // A concurrency can be JSON, too, which a keyboard of digits cannot type.
  const isNumber =
    (typeof current === 'number' && !name.endsWith('oncurrency')) || name.startsWith('perSecond');
  return html`<${TextField} ...${shared} inputmode=${isNumber ? 'decimal' : 'text'} placeholder=${name.startsWith('perSecond') ? 'unpaced' : 'none'} value=${value} onValue=${onValue} />`;
}
