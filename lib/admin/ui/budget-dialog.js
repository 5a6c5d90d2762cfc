import { html, useState } from './preact.min.js';
import { has, send } from './api.js';
import { budget, loadBudget } from './budget-source.js';
import { budgetPatchOf, callsKey, flat, hintOf, labelOf, limitDifferences } from './budget-values.js';
import { Button } from './button.js';
import { ChangeList } from './change-list.js';
import { textOf } from './config-values.js';
import { Dialog } from './dialog.js';
import { ReasonField, TextField } from './field.js';
import { toast } from './toasts.js';
import { useSubmit } from './use-submit.js';

const NEW_NAME = 'callsPerSecond';

/** Asks for the limits of the budget. What was typed is kept where somebody else has changed it meanwhile. */
export function BudgetDialog({ budget: inForce, onClose }) {
  // What the edits are based on: a newer budget is adopted only once the service has refused a change.
  const [base, setBase] = useState(inForce);
  const [edits, setEdits] = useState({});
  const [added, setAdded] = useState({ name: '', limit: '' });
  const [reason, setReason] = useState('');
  const [overtaken, setOvertaken] = useState(null);
  const limits = flat(base.limits);
  const newName = added.name.trim();
  const newKey = callsKey(newName);
  const { isBusy, errors, submit } = useSubmit(async () => {
    const all = newName === '' ? edits : { ...edits, [newKey]: added.limit };
    const patch = budgetPatchOf(base.limits, all);
    if (Object.keys(patch).length === 0) throw new Error('No limit differs from what is in force.');
    const body = { ...patch, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) };
    if (await apply(body)) onClose();
  }, [...Object.keys(limits), newKey, NEW_NAME, 'reason']);
  const apply = async (body) => {
    try {
      budget.set(await send('PATCH', '/budget', body, has('limits'), { 'if-match': `"${base.version}"` }));
      toast('The new limits are in force');
      return true;
    } catch (error) {
      if (error.status !== 412) throw error;
      await loadBudget();
      const next = budget.get();
      setOvertaken({ patch: limitDifferences(base.limits, next.limits), from: limits });
      setBase(next);
      return false;
    }
  };
  const field = (key) => html`<${TextField}
    key=${key}
    id=${`budget-${key}`}
    label=${labelOf(key)}
    hint=${hintOf(key)}
    inputmode="decimal"
    placeholder="no limit"
    value=${edits[key] ?? textOf(limits[key])}
    onValue=${(text) => setEdits((before) => ({ ...before, [key]: text }))}
    error=${errors[key]}
  />`;
  return html`<${Dialog}
    title="Change the budget of all backfills?"
    onClose=${onClose}
    onSubmit=${submit}
    error=${errors['']}
    actions=${html`<${Button} onClick=${onClose}>Go back<//>
      <${Button} kind="primary" type="submit" busy=${isBusy}>Change the budget<//>`}
  >
    <p>What all runs of all processes may use together. An empty field is no limit. A change applies within a second.</p>
    <div class="fields">${Object.keys(limits).map(field)}</div>
    <div class="pair">
      <${TextField}
        id="budget-new-name"
        label="Another third party"
        hint="Its name in context.quota(name)"
        value=${added.name}
        onValue=${(name) => setAdded({ ...added, name })}
        error=${errors[NEW_NAME]}
      />
      <${TextField}
        id="budget-new-limit"
        label="Calls/s to it"
        inputmode="decimal"
        value=${added.limit}
        onValue=${(limit) => setAdded({ ...added, limit })}
        error=${newName === '' || newKey in limits ? null : errors[newKey]}
      />
    </div>
    <${ReasonField} id="budget-reason" value=${reason} onValue=${setReason} error=${errors.reason} />
    ${
      overtaken &&
      html`<div class="overtaken" role="alert">
      <p>The budget was changed by somebody else in the meantime. What you typed is kept: please review it again.</p>
      <${ChangeList} ...${overtaken} label=${labelOf} />
    </div>`
    }
  <//>`;
}
