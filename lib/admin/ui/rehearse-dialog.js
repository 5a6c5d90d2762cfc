import { html, useState } from './preact.min.js';
import { has, send } from './api.js';
import { boundOf } from './bound-of.js';
import { BoundsFields } from './bounds-fields.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { TextField } from './field.js';
import { fieldsOf, paramsOf } from './params-fields.js';
import { ParamsForm } from './params-form.js';
import { RehearsalResult } from './rehearsal-result.js';
import { useSubmit } from './use-submit.js';

/** Rehearses a backfill on random rows, and shows what that did to them. Nothing is written. */
export function RehearseDialog({ name, url, status, onClose }) {
  const [fields] = useState(() => (status.takesParams ? fieldsOf(status.paramsSchema) : []));
  const [texts, setTexts] = useState({});
  const known = ['rows', 'from', 'to', ...fields.map(({ path }) => path)];
  const [rows, setRows] = useState('50');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [isWhole, setWhole] = useState(false);
  const [result, setResult] = useState(null);
  const { isBusy, errors, submit } = useSubmit(async () => {
    setResult(null);
    const params = fields.length > 0 ? paramsOf(fields, texts) : undefined;
    const body = {
      ...(params === undefined ? {} : { params }),
      ...(rows.trim() ? { rows: Number(rows) } : {}),
      ...(from.trim() ? { from: boundOf('from', from) } : {}),
      ...(to.trim() ? { to: boundOf('to', to) } : {}),
      ...(isWhole ? { maxLength: null } : {}),
    };
    setResult(await send('POST', `${url}/rehearse`, body, has('untouched')));
  }, known);
  return html`<${Dialog}
    title="Rehearse ${name}"
    isWide
    onClose=${onClose}
    onSubmit=${submit}
    error=${errors['']}
    actions=${html`<${Button} onClick=${onClose}>Close<//>
      <${Button} kind="primary" type="submit" busy=${isBusy}>Rehearse<//>`}
  >
    <p class="quiet">
      The handler works on rows from random places of the table, in transactions that are rolled back. Calls to other
      systems are not.
    </p>
    <div class="pair">
      <${TextField}
        id="rehearse-rows"
        label="Rows"
        inputmode="numeric"
        hint="1 to 500"
        data-focus
        value=${rows}
        onValue=${setRows}
        error=${errors.rows}
      />
      <${BoundsFields} prefix="rehearse" from=${from} to=${to} onFrom=${setFrom} onTo=${setTo} errors=${errors} />
    </div>
    ${
      fields.length > 0 &&
      html`<${ParamsForm} fields=${fields} texts=${texts} errors=${errors} onText=${(path, text) => setTexts((before) => ({ ...before, [path]: text }))} />`
    }
    <p class="check">
      <input
        type="checkbox"
        id="rehearse-whole"
        aria-describedby="rehearse-whole-hint"
        checked=${isWhole}
        onChange=${(event) => setWhole(event.target.checked)}
      />
      <label for="rehearse-whole">Whole values</label>
      <small id="rehearse-whole-hint">Otherwise those of more than 200 characters are cut around the first difference</small>
    </p>
    <div aria-live="polite">${isBusy && html`<p class="quiet">Rehearsing…</p>`} ${result && html`<${RehearsalResult} result=${result} />`}</div>
  <//>`;
}
