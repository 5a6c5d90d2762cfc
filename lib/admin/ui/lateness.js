import { between, when } from './format.js';

/** In words: when a run should end, or that it will not, and what delays it; `null` where nothing is expected. As `wordsOf`. */
export function latenessOf({ finishBy, finishedAt, late }, now) {
  if (!finishBy || finishedAt) return null;
  if (!late) return [`should end by ${when(finishBy, now)}`];
  const limit = late.limitedBy;
  return [
    `late: it ends at least ${between(0, late.by)} after ${when(finishBy, now)}, when it should have ended`,
    ...(limit ? [': ', { text: limitText(limit) }] : []),
  ];
}

/** As in `throttle replication-lag: replication lag 48 s`. */
export function limitText({ kind, name, reason }) {
  const prefix = kind === 'throttle' ? 'throttle ' : '';
  return name && ['throttle', 'rate', 'concurrency'].includes(kind) ? `${prefix}${name}: ${reason}` : reason;
}
