import { html, useState } from './preact.min.js';
import { has, read } from './api.js';
import { RunBadge } from './badge.js';
import { CanaryPanel } from './canary-panel.js';
import { FailuresPanel } from './failures-panel.js';
import { loadGroups } from './failure-source.js';
import { forecastText } from './forecast-list.js';
import { between, compact, count } from './format.js';
import { RunConfig } from './run-config.js';
import { ParamsPanel } from './params-list.js';
import { nameHash } from './router.js';
import { Time } from './time.js';
import { Timeline } from './timeline.js';
import { UndoPanel } from './undo-panel.js';
import { useLoad } from './use-load.js';

/** The page of one run: its figures, failures and timeline. */
export function RunPage({ name, url, runId, status, changes, refresh }) {
  const [run, setRun] = useState(null);
  const [groups, setGroups] = useState(null);
  const isCurrent = status.runId === runId;
  const version = isCurrent
    ? `${changes} ${status.done} ${status.failed} ${status.rowsFailed} ${status.conflicts}`
    : '';
  const load = () =>
    Promise.all([
      read(`${url}/runs/${encodeURIComponent(runId)}`, has('status')),
      loadGroups(url, { runId }),
    ]);
  const show = ([nextRun, nextGroups]) => {
    setRun(nextRun);
    setGroups(nextGroups);
  };
  const error = useLoad(load, show, [url, runId, version]);
  const back = html`<p><a href=${nameHash(name)}>← <bdi>${name}</bdi></a></p>`;
  if (error?.status === 404) {
    return html`<div>${back}<p class="alert" role="alert"><bdi>${name}</bdi> has no run <bdi>${runId}</bdi>.</p></div>`;
  }
  if (!run) return html`<div>${back}<p class="quiet">${error ? error.message : 'Loading…'}</p></div>`;
  return html`<article class="detail">
    ${back}
    <div class="detail-head">
      <div>
        <h2>${run.undoes ? 'Undo' : 'Run'} of <bdi>${name}</bdi>${' '}<${RunBadge} status=${run.status} dryRun=${run.dryRun} /></h2>
        <p class="quiet">Run <code>${runId}</code></p>
      </div>
    </div>
    <p class="words">
      Started <${Time} iso=${run.startedAt} />${run.startedBy && html` by <bdi>${run.startedBy}</bdi>`}${
        run.reason && html`: <bdi>${run.reason}</bdi>`
      }${
        run.finishedAt &&
        html`; ended <${Time} iso=${run.finishedAt} />, took ${between(Date.parse(run.startedAt), Date.parse(run.finishedAt))}`
      }
      ${run.statusReason && html` (<bdi>${run.statusReason}</bdi>)`}
    </p>
    ${run.forecast && html`<p class="quiet">${forecastText(run.forecast, run.finishedAt !== null)}</p>`}
    <dl class="tiles">
      ${figuresOf(run).map(
        ([label, value]) => html`<div class="tile" key=${label}><dt>${label}</dt><dd>${value}</dd></div>`,
      )}
    </dl>
    <${ParamsPanel} params=${run.params} />
    ${run.canary && html`<${CanaryPanel} canary=${run.canary} forecast=${run.forecast?.forecast} />`}
    <${UndoPanel} name=${name} url=${url} run=${run} status=${status} refresh=${refresh} />
    <${FailuresPanel} url=${url} status=${status} groups=${groups} run=${run} refresh=${refresh} />
    <div class="columns">
      <${RunConfig} run=${run} />
      <${Timeline} url=${url} changes=${changes} runId=${runId} />
    </div>
  </article>`;
}

function figuresOf(run) {
  return [
    ['Rows', compact(run.rowsDone)],
    ['Ranges done', compact(run.done)],
    ['Failures', compact(run.failures)],
    ['Outstanding', compact(run.outstanding)],
    ...(run.rowsMissing > 0 ? [['Rows missing', count(run.rowsMissing)]] : []),
    ...(run.version === null ? [] : [['Version', run.version]]),
  ];
}
