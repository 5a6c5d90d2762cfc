import { html, useState } from './preact.min.js';
import { change } from './api.js';
import { Button } from './button.js';
import { ConfirmDialog } from './confirm-dialog.js';
import { ConflictList } from './conflict-list.js';
import { counted, isActive } from './format.js';
import { Panel } from './panel.js';
import { nameHash, runHash } from './router.js';
import { toast } from './toasts.js';

/** Of a run with a journal: the action that undoes it. Of an undo: what it undoes, and the rows that it has left. */
export function UndoPanel({ name, url, run, status, refresh }) {
  if (run.undoes) return html`<${Undone} name=${name} url=${url} run=${run} />`;
  return run.journaled > 0
    ? html`<${Undoable} name=${name} url=${url} run=${run} status=${status} refresh=${refresh} />`
    : null;
}

function Undoable({ name, url, run, status, refresh }) {
  const [isAsking, setAsking] = useState(false);
  const rows = `about ${counted(run.journaled, 'row')}`;
  const isPaused = run.status === 'paused';
  const isBlocked = isActive(status.state) && !(isPaused && status.runId === run.id);
  const undo = async (body) => {
    await change('POST', `${url}/undo`, { runId: run.id, ...body });
    toast(`The undo of a run of ${name} started`);
    refresh();
    location.hash = nameHash(name);
  };
  return html`<${Panel} title="Undo">
    <p>The journal has the old values of ${rows}.${isBlocked ? ' A run can be undone while no other run is active.' : ''}</p>
    ${!isBlocked && html`<div class="actions"><${Button} kind="danger" onClick=${() => setAsking(true)}>Undo…<//></div>`}
    ${
      isAsking &&
      html`<${ConfirmDialog}
      title=${`Undo this run of ${name}?`}
      text=${
        `A run of its own gives ${rows} their old values back, at the rate of the backfill. Rows that others have written since ` +
        `stay as they are, and are listed.${isPaused ? ' This run is cancelled first.' : ''}`
      }
      confirm="Undo the run"
      onConfirm=${undo}
      onClose=${() => setAsking(false)}
    />`
    }
  <//>`;
}

function Undone({ name, url, run }) {
  return html`<${Panel} title="Undo">
    <p>
      This run undoes <a href=${runHash(name, run.undoes)}>run <bdi>${run.undoes}</bdi></a>.${' '}
      ${
        run.conflicts > 0
          ? `It has left ${counted(run.conflicts, 'row')} unchanged:`
          : isActive(run.status)
            ? 'It has left no row so far.'
            : 'It has left no row.'
      }
    </p>
    ${run.conflicts > 0 && html`<${ConflictList} url=${url} runId=${run.id} version=${run.conflicts} />`}
  <//>`;
}
