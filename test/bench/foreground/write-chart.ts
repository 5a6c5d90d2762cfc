import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TracePoint } from './foreground-arena.js';
import { summaryOf, WINDOW_SECONDS } from './foreground-round.js';
import type { ForegroundRound } from './foreground-round.js';
import { stretchOf } from './latency.js';
import { traceChart } from './trace-chart.js';

/** The last round and what followed, also as JSON: the controller is tuned with recorded signals. */
export function writeChart(
  rounds: readonly ForegroundRound[],
  stopped: readonly TracePoint[],
  bound: number,
): void {
  const folder = new URL('../../../.cache/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const {
    adaptive = [],
    doubled = [],
    quiet = { read: Number.NaN, update: Number.NaN },
  } = rounds.at(-1) ?? {};
  const doubledAt = adaptive.at(-1)?.at ?? 0;
  const stoppedAt = doubledAt + (doubled.at(-1)?.at ?? 0);
  const points = [...adaptive, ...later(doubled, doubledAt), ...later(stopped, stoppedAt)];
  const chart = traceChart(
    points,
    [
      {
        title: `p95 of ${WINDOW_SECONDS} s, times quiet`,
        value: (_, i) =>
          stretchOf(summaryOf(points.slice(Math.max(0, i + 1 - WINDOW_SECONDS), i + 1)).latency, quiet),
        bound,
      },
      { title: 'rows/s', value: ({ rowsPerSecond }) => rowsPerSecond },
      { title: 'concurrency', value: ({ concurrency }) => concurrency },
    ],
    [
      { at: doubledAt, text: 'foreground doubles' },
      { at: stoppedAt, text: 'foreground stops' },
    ],
  );
  writeFileSync(new URL('foreground.svg', folder), chart);
  writeFileSync(new URL('foreground.json', folder), JSON.stringify({ rounds, stopped }));
  console.log(`chart: ${fileURLToPath(new URL('foreground.svg', folder))}`);
}

function later(points: readonly TracePoint[], seconds: number): TracePoint[] {
  return points.map((point) => ({ ...point, at: point.at + seconds }));
}
