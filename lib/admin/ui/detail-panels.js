import { html, useRef } from './preact.min.js';
import { CanaryPanel } from './canary-panel.js';
import { ChartPanel } from './chart-panel.js';
import { FailuresPanel } from './failures-panel.js';
import { Panel } from './panel.js';
import { ParamsPanel } from './params-list.js';
import { PartitionsTable } from './partitions-table.js';
import { RunsTable } from './runs-table.js';
import { failuresOf } from './status-groups.js';
import { ThrottlesPanel } from './throttles-panel.js';
import { Timeline } from './timeline.js';
import { TuningForm } from './tuning-form.js';

/** What lies below the status of a backfill: throughput, config, failures, timeline and runs. */
export function DetailPanels({
  name,
  url,
  status,
  groups,
  config,
  samples,
  runs,
  changes,
  now,
  refresh,
  onRange,
}) {
  // The order stays while somebody is typing.
  const hadFailures = useRef(failuresOf(status) > 0);
  const tuning = html`<${Panel} key="tuning" title="Tuning">
    ${
      config
        ? html`<${TuningForm} url=${url} config=${config} status=${status} refresh=${refresh} now=${now} />`
        : html`<p class="quiet">Loading…</p>`
    }
  <//>`;
  const failures = html`<${FailuresPanel} key="failures" url=${url} status=${status} groups=${groups} refresh=${refresh} />`;
  return html`<div class="detail">
    ${status.canary && html`<${CanaryPanel} canary=${status.canary} forecast=${status.forecast?.forecast} />`}
    ${
      status.runId &&
      html`<${ChartPanel} name=${name} url=${url} samples=${samples} config=${config} changes=${changes} onRange=${onRange} />`
    }
    <${ParamsPanel} params=${status.params} />
    ${
      // Absent where the service is of an earlier version.
      status.partitions?.length > 0 &&
      html`<${Panel} title="Partitions"><${PartitionsTable} partitions=${status.partitions} /><//>`
    }
    <${ThrottlesPanel} url=${url} status=${status} now=${now} refresh=${refresh} />
    <div class="columns">${hadFailures.current ? [failures, tuning] : [tuning, failures]}</div>
    <${Timeline} url=${url} changes=${changes} />
    <${Panel} title="Runs"><${RunsTable} name=${name} runs=${runs} status=${status} /><//>
  </div>`;
}
