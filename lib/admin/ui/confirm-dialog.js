import { html, useState } from './preact.min.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { ReasonField } from './field.js';
import { useSubmit } from './use-submit.js';

/** Asks for a confirmation and an optional reason. */
export function ConfirmDialog({ title, text, confirm, kind = 'danger', onConfirm, onClose }) {
  const [reason, setReason] = useState('');
  const { isBusy, errors, submit } = useSubmit(async () => {
    await onConfirm(reason.trim() ? { reason: reason.trim() } : {});
    onClose();
  }, ['reason']);
  return html`<${Dialog}
    title=${title}
    onClose=${onClose}
    onSubmit=${submit}
    error=${errors['']}
    actions=${html`<${Button} onClick=${onClose}>Go back<//>
      <${Button} kind=${kind} type="submit" busy=${isBusy}>${confirm}<//>`}
  >
    <p>${text}</p>
    <${ReasonField} id="confirm-reason" value=${reason} onValue=${setReason} error=${errors.reason} />
  <//>`;
}
