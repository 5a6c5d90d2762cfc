import { html, useEffect, useRef, useState } from './preact.min.js';
import { boundOf } from './bound-of.js';
import { BoundsFields } from './bounds-fields.js';
import { Button } from './button.js';
import { CANARY_FIELDS, CanaryFields, canaryOf } from './canary-fields.js';
import { Dialog } from './dialog.js';
import { ReasonField, TextField } from './field.js';
import { fieldErrors } from './field-errors.js';
import { fieldsOf, paramsOf } from './params-fields.js';
import { ParamsForm } from './params-form.js';
import { isoTime } from './local-time.js';
import { loadPreview, PreviewResult } from './preview-result.js';
import { useSubmit } from './use-submit.js';

/** Asks for the options of a run, and previews it on request. */
export function StartDialog({ name, url, status, onStart, onClose }) {
  // Not anew with each status: the fields stay while somebody is typing.
  const [fields] = useState(() => (status.takesParams ? fieldsOf(status.paramsSchema) : []));
  const [texts, setTexts] = useState({});
  const known = ['from', 'to', ...CANARY_FIELDS, 'finishBy', 'reason', ...fields.map(({ path }) => path)];
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [canary, setCanary] = useState({ rows: '', maxFailures: '' });
  const [finishBy, setFinishBy] = useState('');
  const [reason, setReason] = useState('');
  const [preview, setPreview] = useState(null);
  const dryRun = useRef();
  const verify = useRef();
  useEffect(() => {
    // The status does not have the backfill's own option, which applies until the operator decides.
    verify.current.indeterminate = true;
  }, []);
  /** What the preview is asked for, too. */
  const walkOf = () => {
    const params = fields.length > 0 ? paramsOf(fields, texts) : undefined;
    return {
      ...(from.trim() ? { from: boundOf('from', from) } : {}),
      ...(to.trim() ? { to: boundOf('to', to) } : {}),
      ...(params === undefined ? {} : { params }),
    };
  };
  const asked = JSON.stringify([from, to, texts]);
  const { isBusy, errors, setErrors, submit } = useSubmit(async () => {
    await onStart({
      ...walkOf(),
      ...canaryOf(canary),
      ...(finishBy === '' ? {} : { finishBy: isoTime(finishBy) }),
      ...(dryRun.current.checked ? { dryRun: true } : {}),
      ...(verify.current.indeterminate ? {} : { verify: verify.current.checked }),
      ...(reason.trim() ? { reason: reason.trim() } : {}),
    });
    onClose();
  }, known);
  const show = async () => {
    setErrors({});
    try {
      setPreview({ asked, ...(await loadPreview(url, walkOf())) });
    } catch (error) {
      setPreview(null);
      setErrors(fieldErrors(error, known));
    }
  };
  return html`<${Dialog}
    title="Start ${name}"
    onClose=${onClose}
    onSubmit=${submit}
    error=${errors['']}
    actions=${html`<${Button} onClick=${onClose}>Go back<//>
      <${Button} onClick=${show}>Preview<//>
      <${Button} kind="primary" type="submit" busy=${isBusy}>Start<//>`}
  >
    <div class="pair">
      <${BoundsFields} prefix="start" from=${from} to=${to} onFrom=${setFrom} onTo=${setTo} errors=${errors} />
    </div>
    ${
      fields.length > 0 &&
      html`<${ParamsForm} fields=${fields} texts=${texts} errors=${errors} onText=${(path, text) => setTexts((before) => ({ ...before, [path]: text }))} />`
    }
    <${CanaryFields} value=${canary} onValue=${setCanary} errors=${errors} />
    <${TextField}
      id="start-finish-by"
      type="datetime-local"
      label="Should end by"
      hint="Your local time: a warning where it will not. It changes no rate"
      value=${finishBy}
      onValue=${setFinishBy}
      error=${errors.finishBy}
    />
    <${ReasonField} id="start-reason" data-focus value=${reason} onValue=${setReason} error=${errors.reason} />
    <p class="check">
      <input type="checkbox" id="start-dry-run" ref=${dryRun} />
      <label for="start-dry-run">Dry run: every transaction is rolled back</label>
    </p>
    <p class="check">
      <input type="checkbox" id="start-verify" aria-describedby="start-verify-hint" ref=${verify} />
      <label for="start-verify">Verify after the walk</label>
      <small id="start-verify-hint">Untouched: as the options of the backfill say</small>
    </p>
    <div aria-live="polite">
      ${preview && html`<${PreviewResult} preview=${preview} isStale=${preview.asked !== asked} />`}
    </div>
  <//>`;
}
