import { html, useState } from './preact.min.js';
import { change } from './api.js';
import { Button } from './button.js';
import { isPausedByCanary, resumeConfirmation } from './canary-panel.js';
import { ConfirmDialog } from './confirm-dialog.js';
import { counted, isActive, isRunning } from './format.js';
import { RehearseDialog } from './rehearse-dialog.js';
import { RetryDialog } from './retry-dialog.js';
import { StartDialog } from './start-dialog.js';
import { failuresOf } from './status-groups.js';
import { toast } from './toasts.js';
import { useKeptFocus } from './use-kept-focus.js';

const PAST_TENSE = { start: 'started', pause: 'paused', resume: 'resumed', cancel: 'cancelled' };

/** Buttons of the actions that the state allows; the primary one is what is done next in this state. */
export function ActionBar({ name, url, status, groups, isGone, refresh }) {
  const [dialog, setDialog] = useState(null);
  const bar = useKeptFocus();
  const { state, adoptVersion } = status;
  const act = async (action, body = {}) => {
    await change('POST', `${url}/${action}`, body);
    toast(`${name} ${PAST_TENSE[action]}`);
    refresh();
  };
  const open = (kind) => () => setDialog(kind);
  const close = () => setDialog(null);
  const resume = resumption(status);
  const isFailed = state === 'failed';
  // Without its handler a run can be stopped, and nothing else.
  const canRun = !isGone;
  const failures = groups?.total ?? failuresOf(status);
  return html`<div class="actions" role="group" aria-label="Control ${name}" ref=${bar}>
    ${
      canRun &&
      isFailed &&
      failures > 0 &&
      html`<${Button} key="retry" kind="primary" onClick=${open('retry')}>Retry ${counted(failures, 'failure')}…<//>`
    }
    ${
      canRun &&
      !isActive(state) &&
      html`<${Button} key="start" kind=${isFailed ? '' : 'primary'} onClick=${open('start')}>Start…<//>`
    }
    ${(isRunning(state) || state === 'waiting') && html`<${Button} key="pause" onClick=${open('pause')}>Pause…<//>`}
    ${
      canRun &&
      state === 'paused' &&
      html`<${Button}
      key="resume"
      kind=${resume.kind}
      onClick=${resume.dialog === null ? () => act('resume') : open(resume.dialog)}
    >
      ${resume.label}
    <//>`
    }
    ${canRun && html`<${Button} key="rehearse" onClick=${open('rehearse')}>Rehearse…<//>`}
    ${isActive(state) && html`<${Button} key="cancel" kind="danger" onClick=${open('cancel')}>Cancel…<//>`}
    ${
      dialog === 'start' &&
      html`<${StartDialog} name=${name} url=${url} status=${status} onStart=${(body) => act('start', body)} onClose=${close} />`
    }
    ${dialog === 'rehearse' && html`<${RehearseDialog} name=${name} url=${url} status=${status} onClose=${close} />`}
    ${
      dialog === 'retry' &&
      html`<${RetryDialog} url=${url} count=${failures} adoptVersion=${adoptVersion} onDone=${refresh} onClose=${close} />`
    }
    ${
      dialog in CONFIRMATIONS &&
      html`<${ConfirmDialog}
      ...${CONFIRMATIONS[dialog](name, status)}
      onConfirm=${(body) => act(ACTIONS[dialog] ?? dialog, dialog === 'adopt' ? { ...body, adoptVersion } : body)}
      onClose=${close}
    />`
    }
  </div>`;
}

/** The actions of confirmations that are no action by their name. */
const ACTIONS = { adopt: 'resume', whole: 'resume' };

/** How a paused run is resumed. */
function resumption(status) {
  const { adoptVersion, canary } = status;
  if (adoptVersion !== null) {
    return { label: `Resume with version ${adoptVersion}…`, dialog: 'adopt', kind: 'primary' };
  }
  return isPausedByCanary(status)
    ? {
        label: 'Resume the whole run…',
        dialog: 'whole',
        kind: canary.state === 'passed' ? 'primary' : '',
      }
    : { label: 'Resume', dialog: null, kind: 'primary' };
}

const CONFIRMATIONS = {
  whole: resumeConfirmation,
  pause: (name) => ({
    title: `Pause ${name}?`,
    text: 'No process starts a range from then on; handlers in flight are told to stop. Resume goes on with what is left.',
    confirm: 'Pause the run',
    kind: 'primary',
  }),
  cancel: (name) => ({
    title: `Cancel ${name}?`,
    text: 'A cancelled run cannot be resumed. Outstanding ranges are dropped; rows that are done stay as they are.',
    confirm: 'Cancel the run',
  }),
  adopt: (name, { adoptVersion: version }) => ({
    title: `Resume ${name} with version ${version}?`,
    text:
      'From then on no process with another version of the handler works on the run. Ranges that are not done are ' +
      'processed with this version.',
    confirm: `Resume with version ${version}`,
    kind: 'primary',
  }),
};
