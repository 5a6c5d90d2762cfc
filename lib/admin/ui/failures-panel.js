import { html, useState } from './preact.min.js';
import { Button } from './button.js';
import { FailureGroup } from './failure-group.js';
import { FailureList } from './failure-list.js';
import { counted, isActive } from './format.js';
import { Panel } from './panel.js';
import { RetryDialog } from './retry-dialog.js';

/** Failures by kind, with search and a retry of all, of a kind, or of one. `run` is an older run, where it is not the newest. */
export function FailuresPanel({ url, status, groups, run, refresh }) {
  const [search, setSearch] = useState('');
  const [retry, setRetry] = useState(null);
  if (groups === null) return html`<${Panel} title="Failures"><p class="quiet">Loading…</p><//>`;
  const { total } = groups;
  if (total === 0) return html`<${Panel} title="Failures"><p class="quiet">No failures.</p><//>`;
  const adoptVersion = status.state === 'failed' ? status.adoptVersion : null;
  const runId = run?.id;
  const refusal = refusalOf(status, run);
  const list = { url, runId, version: total, onRetry: refusal ? null : setRetry };
  return html`<${Panel} title="Failures">
    <div class="failure-head">
      <p>${counted(total, 'failure')} of ${counted(groups.groups.length, 'kind')}</p>
      <input
        type="search"
        aria-label="Search failures"
        placeholder="Search"
        value=${search}
        onInput=${(event) => setSearch(event.target.value)}
      />
      ${!refusal && html`<${Button} onClick=${() => setRetry({ count: total })}>Retry all…<//>`}
    </div>
    ${refusal && html`<p class="quiet">${refusal}</p>`}
    ${
      search.trim() === ''
        ? html`<ul class="failure-groups" aria-label="Failures by kind">
          ${groups.groups.map((group) => html`<${FailureGroup} key=${group.id} group=${group} list=${list} />`)}
        </ul>`
        : html`<${FailureList} ...${list} search=${search.trim()} />`
    }
    ${
      retry &&
      html`<${RetryDialog}
      ...${retry}
      url=${url}
      runId=${runId}
      adoptVersion=${adoptVersion}
      onDone=${refresh}
      onClose=${() => setRetry(null)}
    />`
    }
  <//>`;
}

/** Why failures cannot be retried; `null` where they can. */
function refusalOf(status, run) {
  if ((run?.status ?? status.state) === 'cancelled') {
    return 'The run was cancelled, so its failures cannot be retried. Start another run for their rows.';
  }
  const isOther = run && run.id !== status.runId;
  return isOther && isActive(status.state)
    ? 'Another run is active. The failures of this one can be retried once that has ended.'
    : null;
}
