import { html } from './preact.min.js';
import { displayOf } from './config-values.js';
import { isActive } from './format.js';
import { labelOf, LABELS } from './labels.js';
import { Panel } from './panel.js';
import { Table } from './table.js';

/** The config that a run was started with, and the one at its end, or now. */
export function RunConfig({ run }) {
  const { configAtStart, config, status } = run;
  const known = { ...configAtStart, ...config };
  const keys = [...new Set([...Object.keys(LABELS), ...Object.keys(known)])].filter((key) => key in known);
  const end = isActive(status) ? 'Now' : 'At its end';
  const rows = keys.map((key) => ({
    key,
    cells: [labelOf(key), valueOf(key, configAtStart), endOf(key, configAtStart, config)],
  }));
  return html`<${Panel} title="Config of the run">
    <${Table}
      caption="Config of the run"
      headings=${['Setting', 'At its start', end]}
      rows=${rows}
      isWhole
      empty="Not recorded: a process of an earlier version worked on this run."
    />
  <//>`;
}

const valueOf = (key, config) =>
  config ? html`<bdi>${displayOf(key, config[key] ?? null)}</bdi>` : 'not recorded';

function endOf(key, start, config) {
  const value = valueOf(key, config);
  const isChanged =
    start && config && JSON.stringify(start[key] ?? null) !== JSON.stringify(config[key] ?? null);
  return isChanged ? html`<ins>${value}</ins>${' '}<span class="quiet">changed</span>` : value;
}
