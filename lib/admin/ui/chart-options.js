import { when } from './format.js';

export const HEIGHT = 220;
const HOLD_HEIGHT = 4;
/** Tick intervals of the time axis. */
const STEPS_S = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];

/** Options of the chart. `overlay` has what lies behind and above the lines; `onPoint` gets the text of the pointer. */
export function chartOptions(uPlot, width, overlay, onPoint) {
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
    // The concurrency has a scale of its own, without an axis: the text of the pointer has its value.
    scales: { y: { range: fromZero }, slots: { range: fromZero } },
    axes: [
      { ...axis, values: (_plot, ticks) => ticks.map(tickText(ticks)), incrs: STEPS_S, space: 90, size: 30 },
      { ...axis, size: 44 },
    ],
    series: [
      {},
      { stroke: color('--accent'), width: 2, fill: color('--accent-soft'), points: { show: false } },
      {
        stroke: color('--amber'),
        width: 2,
        dash: [6, 4],
        points: { show: false },
        paths: uPlot.paths.stepped({ align: 1 }),
      },
      {
        scale: 'slots',
        stroke: color('--green'),
        width: 1,
        points: { show: false },
        paths: uPlot.paths.stepped({ align: 1 }),
      },
    ],
    hooks: {
      drawClear: [(plot) => fillBands(plot, overlay.bands, color('--peak'))],
      draw: [
        (plot) => fillHolds(plot, overlay.holds, color('--amber')),
        (plot) =>
          drawMarkers(plot, overlay.markers, {
            change: color('--quiet'),
            hold: color('--amber'),
            deploy: color('--green'),
          }),
      ],
      setCursor: [(plot) => onPoint(pointText(plot))],
    },
  };
}

function fromZero(_plot, _min, max) {
  return [0, Math.max(1, (max ?? 0) * 1.15)];
}

function pointText({ cursor, data }) {
  const { idx } = cursor;
  if (idx === null || idx === undefined || data[0][idx] === undefined) return '';
  const at = when(new Date(data[0][idx] * 1000).toISOString());
  const speed = data[1][idx];
  if (speed === null) return `${at}: nothing measured`;
  const configured = data[2][idx];
  const slots = data[3]?.[idx] ?? null;
  const atOnce = slots === null ? '' : `, concurrency ${slots}`;
  return `${at}: ${speed.toFixed(1)} ranges/s, ${configured === null ? 'unpaced' : `${configured} configured`}${atOnce}`;
}

function tickText(ticks) {
  const isLong = ticks.length > 1 && ticks.at(-1) - ticks[0] > 2 * 86_400;
  const isFine = ticks.length > 1 && ticks[1] - ticks[0] < 60;
  const clock = { hour: '2-digit', minute: '2-digit', ...(isFine ? { second: '2-digit' } : {}) };
  const options = isLong ? { day: 'numeric', month: 'short' } : clock;
  const format = new Intl.DateTimeFormat('en-GB', options);
  return (seconds) => format.format(seconds * 1000);
}

function clipped(plot, draw) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, bbox);
  ctx.restore();
}

function fillBands(plot, bands, fill) {
  clipped(plot, (ctx, bbox) => {
    ctx.fillStyle = fill;
    for (const [from, to] of bands) {
      const left = plot.valToPos(from, 'x', true);
      ctx.fillRect(left, bbox.top, plot.valToPos(to, 'x', true) - left, bbox.height);
    }
  });
}

/** A strip along the upper edge for each time during which the run was held. */
function fillHolds(plot, holds, fill) {
  clipped(plot, (ctx, bbox) => {
    ctx.fillStyle = fill;
    for (const [from, to] of holds) {
      const left = plot.valToPos(from, 'x', true);
      ctx.fillRect(left, bbox.top, plot.valToPos(to, 'x', true) - left, HOLD_HEIGHT * devicePixelRatio);
    }
  });
}

/** A line and a word for each change. */
function drawMarkers(plot, markers, colors) {
  clipped(plot, (ctx, bbox) => {
    const scale = devicePixelRatio;
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    // The axes leave it as they draw their own texts.
    ctx.textAlign = 'left';
    ctx.textBaseline = 'alphabetic';
    let free = -Infinity;
    for (const { at, text, kind } of markers) {
      ctx.strokeStyle = ctx.fillStyle = colors[kind];
      const left = plot.valToPos(at, 'x', true);
      ctx.beginPath();
      ctx.setLineDash([2 * scale, 3 * scale]);
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
      if (left < Math.max(free, bbox.left)) continue;
      ctx.fillText(text, left + 3 * scale, bbox.top + (HOLD_HEIGHT + 11) * scale);
      free = left + ctx.measureText(text).width + 8 * scale;
    }
  });
}
