import { html, useEffect, useRef, useState } from './preact.min.js';
import { change, has, read } from './api.js';
import { Button } from './button.js';
import { ChangeList } from './change-list.js';
import { differences, patchOf, textOf } from './config-values.js';
import { fieldErrors } from './field-errors.js';
import { BASIC_FIELDS, LABELS } from './labels.js';
import { guardEdits } from './router.js';
import { toast } from './toasts.js';
import { effectOf } from './tuning-effect.js';
import { TuningField } from './tuning-field.js';
import { TuningReview } from './tuning-review.js';

/** A form for the config that shows the changes before they are applied. */
export function TuningForm({ url, config: inForce, status, refresh, now }) {
  // The config that the edits are based on: while there are any, a newer one is shown but not adopted.
  const [base, setBase] = useState(inForce);
  const [edits, setEdits] = useState({});
  const [review, setReview] = useState(null);
  const [reason, setReason] = useState('');
  const [errors, setErrors] = useState({});
  const [overtaken, setOvertaken] = useState(null);
  const { patch, errors: unreadable } = patchOf(base.config, edits);
  const isEdited = Object.keys(patch).length > 0 || Object.keys(unreadable).length > 0;
  const edited = useRef();
  edited.current = isEdited;
  useEffect(() => guardEdits(() => edited.current), []);
  useEffect(() => {
    if (!isEdited && inForce.version !== base.version) setBase(inForce);
  }, [inForce, isEdited]);

  const show = async (event) => {
    event.preventDefault();
    setErrors(unreadable);
    if (Object.keys(unreadable).length > 0) return;
    if (!isEdited) {
      setReview({ patch, effect: [] });
      return;
    }
    try {
      setReview({ patch, effect: await effectOf({ url, config: base.config, patch, status, now }) });
    } catch (error) {
      setReview(null);
      setErrors(fieldErrors(error, Object.keys(base.config)));
    }
  };
  const discard = () => {
    setEdits({});
    setReview(null);
    setErrors({});
    setOvertaken(null);
    setBase(inForce);
  };
  const apply = async () => {
    try {
      const body = { ...review.patch, ...(reason.trim() ? { reason: reason.trim() } : {}) };
      const next = await change('PATCH', `${url}/config`, body, { 'if-match': `"${base.version}"` });
      toast('The new config is in force');
      setBase(next);
      setEdits({});
      setReason('');
      setReview(null);
      setOvertaken(null);
      refresh();
    } catch (error) {
      if (error.status !== 412) {
        setErrors(fieldErrors(error, Object.keys(base.config)));
        return;
      }
      const next = await read(`${url}/config`, has('config'));
      setOvertaken({ patch: differences(base.config, next.config), from: base.config });
      setBase(next);
      setReview(null);
      refresh();
    }
  };
  const keys = [...Object.keys(LABELS), ...Object.keys(base.config)].filter(
    (key, index, all) => key in base.config && all.indexOf(key) === index,
  );
  const field = (key) => html`<${TuningField}
    key=${key}
    name=${key}
    current=${base.config[key]}
    value=${edits[key] ?? textOf(base.config[key])}
    error=${errors[key]}
    onValue=${(text) => {
      setEdits((before) => ({ ...before, [key]: text }));
      setErrors((before) => ({ ...before, [key]: undefined }));
    }}
  />`;
  const hasHiddenError = keys.slice(BASIC_FIELDS).some((key) => errors[key]);
  return html`<form class="tuning" novalidate autocomplete="off" onSubmit=${show}>
    <div class="fields">${keys.slice(0, BASIC_FIELDS).map(field)}</div>
    <details open=${hasHiddenError || null}>
      <summary>Peak hours and other settings</summary>
      <div class="fields">${keys.slice(BASIC_FIELDS).map(field)}</div>
    </details>
    ${errors[''] && html`<p class="alert" role="alert"><bdi>${errors['']}</bdi></p>`}
    ${
      overtaken &&
      html`<div class="overtaken" role="alert">
      <p>The config was changed by somebody else in the meantime. What you typed is kept: please review it again.</p>
      <${ChangeList} ...${overtaken} />
    </div>`
    }
    <div class="actions"><${Button} kind="primary" type="submit">Review changes<//></div>
    ${
      review &&
      html`<${TuningReview}
      review=${review}
      isStale=${JSON.stringify(review.patch) !== JSON.stringify(patch)}
      from=${base.config}
      reason=${reason}
      onReason=${setReason}
      onDiscard=${discard}
      onApply=${apply}
    />`
    }
  </form>`;
}
