import { html, useState } from './preact.min.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { ReasonField, TextField } from './field.js';
import { isoTime, localTime } from './local-time.js';
import { useSubmit } from './use-submit.js';

/** Asks why all backfills are to be held, and until when. */
export function HoldDialog({ hold, onHold, onClose }) {
  const [reason, setReason] = useState(hold?.reason ?? '');
  const [until, setUntil] = useState(localTime(hold?.until));
  const { isBusy, errors, submit } = useSubmit(async () => {
    const end = until === '' ? {} : { until: isoTime(until) };
    await onHold({ reason: reason.trim(), ...end });
    onClose();
  }, ['reason', 'until']);
  return html`<${Dialog}
    title=${hold ? 'Change the hold of all backfills?' : 'Hold all backfills?'}
    onClose=${onClose}
    onSubmit=${submit}
    error=${errors['']}
    actions=${html`<${Button} onClick=${onClose}>Go back<//>
      <${Button} kind="danger" type="submit" busy=${isBusy}>Hold all<//>`}
  >
    <p>
      Within a second no process works on any backfill: no range starts, handlers in flight are told to stop, and nothing is
      planned or verified. Nothing is lost, and each run goes on as it was once the hold ends.
    </p>
    <${ReasonField} id="hold-reason" label="Reason (shown to everybody)" value=${reason} onValue=${setReason} error=${errors.reason} />
    <${TextField}
      id="hold-until"
      type="datetime-local"
      label="Until"
      hint="Your local time; empty: until it is released"
      value=${until}
      onValue=${setUntil}
      error=${errors.until}
    />
  <//>`;
}
