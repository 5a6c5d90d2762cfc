import { html } from './preact.min.js';

const WIDTH = 72;
const HEIGHT = 20;

/** Rows a second of the last minute as a small line. */
export function Sparkline({ values }) {
  if (!values || values.length < 2 || Math.max(...values) === 0) return null;
  const max = Math.max(...values);
  const step = WIDTH / (values.length - 1);
  const points = values.map(
    (value, i) => `${(i * step).toFixed(1)},${(HEIGHT - 1 - (value / max) * (HEIGHT - 2)).toFixed(1)}`,
  );
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">
    <polyline points=${points.join(' ')} />
  </svg>`;
}
