import { html, useMemo, useState } from './preact.min.js';
import { Chart } from './chart.js';
import { seriesOf } from './chart-series.js';
import { holdsOf, loadMarked, markersOf } from './chart-markers.js';
import { when } from './format.js';
import { Panel } from './panel.js';
import { peakBands } from './peak.js';
import { useLoad } from './use-load.js';

const RANGES = { hour: 'Hour', day: 'Day', run: 'Whole run' };

/** The throughput of a run over an hour, a day or all of it. */
export function ChartPanel({ name, url, samples, config, changes, onRange }) {
  const [range, setRange] = useState('hour');
  const [entries, setEntries] = useState([]);
  // An error is not shown here: the timeline reports the same.
  useLoad(() => loadMarked(url), setEntries, [url, changes]);
  const columns = useMemo(() => seriesOf(samples), [samples]);
  const bands = useMemo(
    () => (config && columns[0].length > 0 ? peakBands(config.config, columns[0][0], columns[0].at(-1)) : []),
    [columns, config?.version],
  );
  const [times] = columns;
  const markers = useMemo(() => markersOf(entries), [entries]);
  const holds = useMemo(() => holdsOf(entries, times.at(-1) ?? 0), [entries, columns]);
  const shown = markers.filter(({ at }) => at >= times[0] && at <= times.at(-1));
  const choose = (id) => {
    setRange(id);
    onRange(id);
  };
  return html`<${Panel} title="Throughput">
    <div class="ranges" role="group" aria-label="Time range">
      ${Object.entries(RANGES).map(
        ([id, title]) =>
          html`<button key=${id} type="button" class="small" aria-pressed=${id === range ? 'true' : 'false'} onClick=${() => choose(id)}>
            ${title}
          </button>`,
      )}
    </div>
    ${
      columns[0].length > 1
        ? html`<${Chart} name=${name} columns=${columns} bands=${bands} holds=${holds} markers=${markers} />
          <p class="legend" aria-hidden="true">
            <span class="key measured">ranges/s</span>
            <span class="key configured">configured rate</span>
            ${columns[3].some((slots) => slots !== null) && html`<span class="key concurrency">concurrency</span>`}
            <span class="key peak">peak hours</span>
            <span class="key marker">changes</span>
            <span class="key hold">held</span>
            <span class="key deploy">deploys</span>
          </p>
          <ul class="hidden" aria-label="Marked on the chart">
            ${shown.map(({ id, at, says }) => html`<li key=${id}>${when(new Date(at * 1000).toISOString())}: ${says}</li>`)}
          </ul>`
        : html`<p class="quiet">No data yet. Throughput is sampled once a second during a run.</p>`
    }
  <//>`;
}
