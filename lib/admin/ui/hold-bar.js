import { html, useState } from './preact.min.js';
import { has, send } from './api.js';
import { Button } from './button.js';
import { ConfirmDialog } from './confirm-dialog.js';
import { between, when } from './format.js';
import { HoldDialog } from './hold-dialog.js';
import { hold, loadHold } from './hold-source.js';
import { useStore } from './store.js';
import { toast } from './toasts.js';

/** The hold of all backfills, with the button that releases it. Without one: the button that holds them, in the list. */
export function HoldBar({ now, isList = false }) {
  const [dialog, setDialog] = useState(null);
  const held = useStore(hold);
  const close = () => setDialog(null);
  const act = async (path, body, text) => {
    await send('POST', path, body, has('changed'));
    toast(text);
    await loadHold();
  };
  const holdAll = (body) => act('/hold', body, 'All backfills are held');
  const release = (body) => act('/hold/release', body, 'All backfills are released');
  if (held === undefined || (held === null && !isList)) return null;
  return html`<section class="hold-bar" aria-label="Hold of all backfills" data-held=${held ? '' : null}>
    ${held && html`<${HoldText} hold=${held} now=${now} />`}
    <p class="actions">
      ${
        held
          ? html`<${Button} key="change" onClick=${() => setDialog('hold')}>Change…<//>
              <${Button} key="release" kind="primary large" onClick=${() => setDialog('release')}>Release all…<//>`
          : html`<${Button} key="hold" kind="danger large" onClick=${() => setDialog('hold')}>Hold all backfills…<//>`
      }
    </p>
    ${dialog === 'hold' && html`<${HoldDialog} hold=${held} onHold=${holdAll} onClose=${close} />`}
    ${
      dialog === 'release' &&
      html`<${ConfirmDialog}
      title="Release all backfills?"
      text="Each run goes on as it was. Runs that were paused by themselves stay paused."
      confirm="Release all"
      kind="primary"
      onConfirm=${release}
      onClose=${close}
    />`
    }
  </section>`;
}

function HoldText({ hold: { by, reason, since, until }, now }) {
  return html`<p class="hold-text" role="status">
    <strong>All backfills are held${by && html` by <bdi>${by}</bdi>`}: <bdi>${reason}</bdi></strong>
    <span>${`for ${between(Date.parse(since), now)}, since ${when(since, now)}, ${until ? `until ${when(until, now)}` : 'until they are released'}`}</span>
  </p>`;
}
