import { html, useState } from './preact.min.js';
import { has, send } from './api.js';
import { Button } from './button.js';
import { overrideText } from './format.js';
import { OverrideDialog } from './override-dialog.js';
import { Panel } from './panel.js';
import { Table } from './table.js';
import { toast } from './toasts.js';

/** The throttles of a backfill, what overrides them, and the buttons that change that. */
export function ThrottlesPanel({ url, status, now, refresh }) {
  const [asked, setAsked] = useState(null);
  // Absent where the service is of an earlier version.
  const { throttles = [], overrides = [] } = status;
  if (throttles.length === 0) return null;
  const overrideOf = (throttle) => overrides.find((it) => it.throttle === throttle);
  const override = async (body) => {
    await send('POST', `${url}/override`, body, has('overrides'));
    toast(`The throttle ${body.throttle} ${body.factor === 1 ? 'counts as before' : 'is overridden'}`);
    refresh();
  };
  const rows = throttles.map((throttle) => {
    const present = overrideOf(throttle);
    return {
      key: throttle,
      cells: [
        html`<bdi>${throttle}</bdi>`,
        present ? overrideText(present.factor, present.until, now) : 'counts in full',
        html`<span class="actions">
          <${Button} key="override" aria-label=${`Override ${throttle}…`} onClick=${() => setAsked(throttle)}>Override…<//>
          ${
            present &&
            html`<${Button} key="end" aria-label=${`End the override of ${throttle}`} onClick=${() => override({ throttle, factor: 1 })}>End<//>`
          }
        </span>`,
      ],
    };
  });
  return html`<${Panel} title="Throttles">
    <${Table} caption="Throttles" headings=${['Throttle', 'Counts', 'Change']} rows=${rows} isWhole />
    ${
      asked !== null &&
      html`<${OverrideDialog}
      throttle=${asked}
      override=${overrideOf(asked)}
      onOverride=${override}
      onClose=${() => setAsked(null)}
    />`
    }
  <//>`;
}
