import { html, useEffect, useRef, useState } from './preact.min.js';
import { chartOptions, HEIGHT } from './chart-options.js';
import { rate } from './format.js';
import { loadUplot } from './load-uplot.js';

/** Measured ranges a second and the configured rate, with peak hours as the background, holds and changes as markers. */
export function Chart({ name, columns, bands, holds, markers }) {
  const holder = useRef();
  const point = useRef();
  const plot = useRef();
  const overlay = useRef({ bands, holds, markers });
  const data = useRef(columns);
  const [error, setError] = useState(null);
  Object.assign(overlay.current, { bands, holds, markers });
  data.current = columns;
  useEffect(() => {
    let isClosed = false;
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const draw = (uPlot) => {
      plot.current?.destroy();
      const onPoint = (text) => {
        if (point.current) point.current.textContent = text;
      };
      const options = chartOptions(uPlot, holder.current.clientWidth, overlay.current, onPoint);
      plot.current = new uPlot(options, data.current, holder.current);
    };
    const redraw = () => globalThis.uPlot && plot.current && draw(globalThis.uPlot);
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: holder.current.clientWidth, height: HEIGHT }),
    );
    const start = async () => {
      try {
        const uPlot = await loadUplot();
        if (isClosed) return;
        draw(uPlot);
        resize.observe(holder.current);
        scheme.addEventListener('change', redraw);
      } catch (failed) {
        if (!isClosed) setError(failed);
      }
    };
    void start();
    return () => {
      isClosed = true;
      resize.disconnect();
      scheme.removeEventListener('change', redraw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => plot.current?.setData(columns), [columns, bands, holds, markers]);
  if (error) return html`<p class="alert" role="alert">${error.message}</p>`;
  return html`<div>
    <div class="chart" role="img" aria-label=${labelOf(name, columns)} ref=${holder}></div>
    <p class="point quiet" ref=${point} aria-hidden="true"></p>
  </div>`;
}

function labelOf(name, [, speeds, rates]) {
  const newest = speeds.at(-1) ?? 0;
  const configured = rates.at(-1) ?? null;
  const pace = configured === null ? 'unpaced' : `${rate(configured)} configured`;
  return `Throughput of ${name}: ${rate(newest)} ranges a second now, ${pace}`;
}
