import type { TracePoint } from './foreground-arena.js';

const WIDTH = 900;
const PANEL = 150;
const MARGIN = 60;

interface Panel {
  readonly title: string;
  readonly value: (point: TracePoint, index: number) => number | null;
  /** A horizontal line. */
  readonly bound?: number;
}

/** A trace as a chart (SVG): one panel below the other, with a vertical line at each change. */
export function traceChart(
  points: readonly TracePoint[],
  panels: readonly Panel[],
  changes: readonly { readonly at: number; readonly text: string }[],
): string {
  const end = points.at(-1)?.at ?? 1;
  const x = (at: number) => MARGIN + ((WIDTH - MARGIN - 10) * at) / end;
  const height = panels.length * (PANEL + 40) + 20;
  const drawn = panels.map(({ title, value, bound }, i) => {
    const top = 30 + i * (PANEL + 40);
    const values = points.map(value);
    const most = Math.max(bound ?? 0, ...values.map((each) => each ?? 0)) * 1.1 || 1;
    const y = (each: number) => top + PANEL - (PANEL * each) / most;
    const line = points.flatMap((point, at) => {
      const each = values[at];
      return typeof each === 'number' && Number.isFinite(each)
        ? [`${x(point.at).toFixed(1)},${y(each).toFixed(1)}`]
        : [];
    });
    const marks = changes.map(
      ({ at, text }) =>
        `<line x1="${x(at)}" x2="${x(at)}" y1="${top}" y2="${top + PANEL}" stroke="#999" stroke-dasharray="3"/>` +
        (i === 0 ? `<text x="${x(at) + 3}" y="${top + 12}">${text}</text>` : ''),
    );
    return [
      `<text x="${MARGIN}" y="${top - 6}" font-weight="bold">${title}</text>`,
      `<rect x="${MARGIN}" y="${top}" width="${WIDTH - MARGIN - 10}" height="${PANEL}" fill="none" stroke="#ccc"/>`,
      `<text x="${MARGIN - 6}" y="${top + 10}" text-anchor="end">${most.toPrecision(3)}</text>`,
      `<text x="${MARGIN - 6}" y="${top + PANEL}" text-anchor="end">0</text>`,
      ...(bound === undefined
        ? []
        : [`<line x1="${MARGIN}" x2="${WIDTH - 10}" y1="${y(bound)}" y2="${y(bound)}" stroke="#c33"/>`]),
      ...marks,
      `<polyline points="${line.join(' ')}" fill="none" stroke="#246" stroke-width="1.5"/>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${drawn.join('\n')}
<text x="${WIDTH - 10}" y="${height - 6}" text-anchor="end">${Math.round(end)} s</text>
</svg>
`;
}
