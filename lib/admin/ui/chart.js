import { el } from './dom.js';
import { rate } from './format.js';
import { peakBands } from './peak.js';

const SMOOTH_S = 5;
const HEIGHT = 220;
/** Tick intervals of the time axis: whole seconds, which is what its labels show. */
const STEPS_S = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900];

/** Measured ranges a second, the configured rate, and peak hours as the background. */
export function throughputChart(name) {
  const holder = el('div.chart', { role: 'img' });
  const empty = el('p.quiet', {}, 'No data yet. Throughput is sampled once a second during a run.');
  const legend = el(
    'p.legend',
    { 'aria-hidden': 'true' },
    el('span.key.measured', {}, 'ranges/s'),
    el('span.key.configured', {}, 'configured rate'),
    el('span.key.peak', {}, 'peak hours'),
  );
  const node = el('div', {}, empty, holder, legend);
  let plot;
  let data;
  let bands = [];
  const resize = new ResizeObserver(() => plot?.setSize({ width: holder.clientWidth, height: HEIGHT }));
  resize.observe(holder);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const draw = () => {
    plot = new globalThis.uPlot(
      options(holder.clientWidth, () => bands),
      data,
      holder,
    );
  };
  const redraw = () => {
    if (!plot) return;
    plot.destroy();
    draw();
  };
  scheme.addEventListener('change', redraw);
  return {
    node,
    update(samples, config) {
      data = series(samples);
      empty.hidden = data[0].length > 1;
      holder.hidden = legend.hidden = !empty.hidden;
      if (!empty.hidden) return;
      bands = peakBands(config, data[0][0], data[0].at(-1));
      if (plot) plot.setData(data);
      else draw();
      const newest = data[1].at(-1);
      const configured = data[2].at(-1);
      holder.setAttribute(
        'aria-label',
        `Throughput of ${name}: ${rate(newest)} ranges a second now, ` +
          (configured === null ? 'unpaced' : `${rate(configured)} configured`),
      );
    },
    close() {
      resize.disconnect();
      scheme.removeEventListener('change', redraw);
      plot?.destroy();
    },
  };
}

/** Turns samples, newest first, into columns, oldest first: epoch seconds, ranges a second, configured rate. */
function series(samples) {
  const ordered = samples.toReversed();
  const columns = [[], [], []];
  ordered.forEach((sample, index) => {
    const before = ordered[Math.max(0, index - SMOOTH_S)];
    const seconds = (sample.at - before.at) / 1000;
    if (seconds <= 0) return;
    columns[0].push(sample.at / 1000);
    columns[1].push(Math.max(0, (sample.done - before.done) / seconds));
    columns[2].push(sample.perSecond);
  });
  return columns;
}

function options(width, getBands) {
  const stepped = globalThis.uPlot.paths.stepped({ align: 1 });
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)] } },
    axes: [
      { ...axis, values: '{HH}:{mm}:{ss}', incrs: STEPS_S, space: 90, size: 30 },
      { ...axis, size: 44 },
    ],
    series: [
      {},
      { stroke: color('--accent'), width: 2, fill: color('--accent-soft'), points: { show: false } },
      { stroke: color('--amber'), width: 2, dash: [6, 4], points: { show: false }, paths: stepped },
    ],
    hooks: { drawClear: [(plot) => fillBands(plot, getBands(), color('--peak'))] },
  };
}

function fillBands(plot, bands, fill) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = fill;
  for (const [from, to] of bands) {
    const left = plot.valToPos(from, 'x', true);
    ctx.fillRect(left, bbox.top, plot.valToPos(to, 'x', true) - left, bbox.height);
  }
  ctx.restore();
}
