import { html, useState } from './preact.min.js';
import { Button } from './button.js';
import { serverNow } from './clock.js';
import { numberOf } from './config-values.js';
import { Dialog } from './dialog.js';
import { ReasonField, TextField } from './field.js';
import { isoTime, localTime } from './local-time.js';
import { useSubmit } from './use-submit.js';

const HOUR_MS = 3_600_000;

/** Asks how much a throttle is to count, and until when. */
export function OverrideDialog({ throttle, override, onOverride, onClose }) {
  const [factor, setFactor] = useState(override ? String(override.factor) : '');
  const [until, setUntil] = useState(
    localTime(override?.until ?? new Date(serverNow() + HOUR_MS).toISOString()),
  );
  const [reason, setReason] = useState(override?.reason ?? '');
  const { isBusy, errors, submit } = useSubmit(async () => {
    await onOverride({
      throttle,
      factor: numberOf(factor.replace(',', '.')) ?? '',
      ...(until === '' ? {} : { until: isoTime(until) }),
      ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
    });
    onClose();
  }, ['factor', 'until', 'reason']);
  return html`<${Dialog}
    title=${`Override the throttle ${throttle}?`}
    onClose=${onClose}
    onSubmit=${submit}
    error=${errors['']}
    actions=${html`<${Button} onClick=${onClose}>Go back<//>
      <${Button} kind="primary" type="submit" busy=${isBusy}>Override<//>`}
  >
    <p>
      Within a second, and in all processes, the pressure of the throttle is multiplied by the factor. At the end it counts as
      before, by itself.
    </p>
    <${TextField}
      id="override-factor"
      inputmode="decimal"
      label="Factor, from 0 to 100"
      hint="0 ignores the throttle, 0.5 slows the run down half as much, 2 twice as much; 1 ends an override"
      value=${factor}
      onValue=${setFactor}
      error=${errors.factor}
    />
    <${TextField}
      id="override-until"
      type="datetime-local"
      label="Until"
      hint="Your local time"
      value=${until}
      onValue=${setUntil}
      error=${errors.until}
    />
    <${ReasonField} id="override-reason" value=${reason} onValue=${setReason} error=${errors.reason} />
  <//>`;
}
