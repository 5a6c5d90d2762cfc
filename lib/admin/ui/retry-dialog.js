import { html } from './preact.min.js';
import { change } from './api.js';
import { ConfirmDialog } from './confirm-dialog.js';
import { counted } from './format.js';
import { toast } from './toasts.js';

/** Asks before failures are retried: all of the run, those of a group, or one. */
export function RetryDialog({ url, count, group, ids, runId, adoptVersion, onDone, onClose }) {
  const what = counted(count, 'failure');
  const version = adoptVersion === null ? '' : ` with version ${adoptVersion}`;
  const retry = async (body) => {
    const scope = { ids, runId, group: group?.id };
    const adopt = adoptVersion === null ? {} : { adoptVersion };
    const { retried } = await change('POST', `${url}/failures/retry`, { ...scope, ...adopt, ...body });
    toast(`${counted(retried, 'failure')} queued again`);
    onDone();
  };
  return html`<${ConfirmDialog}
    title="Retry ${what}${version}?"
    text=${textOf(group, count, adoptVersion)}
    confirm="Retry ${what}${version}"
    kind="primary"
    onConfirm=${retry}
    onClose=${onClose}
  />`;
}

function textOf(group, count, adoptVersion) {
  const all = group
    ? html`All of the kind “<bdi>${group.error}: ${group.message}</bdi>” become`
    : count === 1
      ? 'It becomes'
      : 'They become';
  const version =
    adoptVersion === null
      ? ''
      : ' From then on no process with another version of the handler works on the run.';
  return html`${all} outstanding work of the run again, with new attempts.${version}`;
}
