import { html } from './preact.min.js';
import { TextField } from './field.js';

/** The fields of a request that the errors of these fields are about. */
export const CANARY_FIELDS = ['canary.rows', 'canary.maxFailures', 'canary'];

/** Fields for the canary of a run; without rows it has none. */
export function CanaryFields({ value, onValue, errors }) {
  return html`<div class="pair">
    <${TextField}
      id="start-canary-rows"
      label="Canary: rows"
      inputmode="numeric"
      placeholder="no canary"
      hint="Pauses the run after so many, with a verdict"
      value=${value.rows}
      onValue=${(rows) => onValue({ ...value, rows })}
      error=${errors['canary.rows'] ?? errors.canary}
    />
    <${TextField}
      id="start-canary-failures"
      label="Canary: most failures"
      inputmode="numeric"
      placeholder="0"
      hint="More pause it earlier, as failed"
      value=${value.maxFailures}
      onValue=${(maxFailures) => onValue({ ...value, maxFailures })}
      error=${errors['canary.maxFailures']}
    />
  </div>`;
}

/** What a request has for these fields. */
export function canaryOf({ rows, maxFailures }) {
  if (rows.trim() === '' && maxFailures.trim() === '') return {};
  return {
    canary: {
      rows: numberOf(rows),
      ...(maxFailures.trim() === '' ? {} : { maxFailures: numberOf(maxFailures) }),
    },
  };
}

/** What is no number is sent as it is, for the service to say what is wrong. */
function numberOf(text) {
  const trimmed = text.trim().replaceAll(/[,_\s]/g, '');
  return /^\d+$/.test(trimmed) ? Number(trimmed) : text.trim();
}
