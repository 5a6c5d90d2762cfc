import { html } from './preact.min.js';
import { valueText } from './format.js';
import { Panel } from './panel.js';

/** The parameters of a run, with secret ones as the server masks them; nothing where it was started without. */
export function ParamsPanel({ params }) {
  if (params === null || params === undefined) return null;
  const entries =
    typeof params === 'object' && !Array.isArray(params) ? Object.entries(params) : [['', params]];
  return html`<${Panel} title="Parameters">
    ${entries.length === 0 && html`<p class="quiet">Started with none.</p>`}
    <dl class="param-list">
      ${entries.map(
        ([key, value]) =>
          html`<div key=${key}><dt><bdi>${key}</bdi></dt><dd><code><bdi>${valueText(value)}</bdi></code></dd></div>`,
      )}
    </dl>
  <//>`;
}
