import { has, query, read } from './api.js';
import { between, count, counted, isRunning, perSecond, untilText } from './format.js';

/** What a change of the config does: lines about a whole run, the speed in rows, and the end of the run under way. */
export async function effectOf({ url, config, patch, status, now }) {
  const previewWith = (change) => read(`${url}/preview${query({ limit: 1, config: change })}`, has('ranges'));
  const [before, after] = await Promise.all([previewWith(), previewWith(JSON.stringify(patch))]);
  const text = ({ total, estimatedEnd }) =>
    `${counted(total, 'range')}, ${estimatedEnd ? untilText(estimatedEnd, now) : 'no estimated end'}`;
  return [
    `A run over the whole table: ${text(before)} now; ${text(after)} with these changes.`,
    ...speedLines(config, patch),
    ...endLine(config, patch, status, now),
  ];
}

/** One unit beside the other: `16 ranges/s × 5,000 = 80,000 rows/s at most`. */
export function speedLines(config, patch) {
  const next = { ...config, ...patch };
  const line = (when, rate) =>
    rate === null
      ? `${when}: unpaced.`
      : `${when}: ${perSecond(rate).replace('/s', ' ranges/s')} × ${count(next.batchSize)} = ${count(rate * next.batchSize)} rows/s at most.`;
  const isSpeed = ['perSecondOnPeak', 'perSecondOffPeak', 'batchSize'].some((key) => key in patch);
  if (!isSpeed) return [];
  return [line('On peak', next.perSecondOnPeak), line('Off peak', next.perSecondOffPeak)];
}

/** When the run under way would end at the rate that applies now. */
export function endLine(config, patch, status, now) {
  if (!isRunning(status.state) || status.rowsTotal === null) return [];
  const next = { ...config, ...patch };
  const isOnPeak = /on peak/.test(status.rate.reason);
  const rate = isOnPeak ? next.perSecondOnPeak : next.perSecondOffPeak;
  const left = Math.max(0, status.rowsTotal - status.rowsDone - status.rowsFailed);
  const today = status.eta ? `in ${untilText(status.eta, now)}` : 'never';
  if (rate === null)
    return [`The run under way ends ${today} as it is; unpaced, as fast as its workers are.`];
  if (rate === 0) return [`The run under way ends ${today} as it is; it would be held with these changes.`];
  const then = between(0, (left / (rate * next.batchSize)) * 1000);
  return [`The run under way ends ${today} as it is; in ${then} at the earliest with these changes.`];
}
