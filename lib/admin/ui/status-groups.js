import { isRunning } from './format.js';

/** `by` of what the library does by itself. */
export const LIBRARY = 'nestjs-backfill';
/** Workers of a run that has just been started are not missing yet. */
const WORKERS_START_MS = 5_000;

/** The groups of the list, in order. */
export const GROUPS = [
  ['attention', 'Needs attention'],
  ['running', 'Running'],
  ['paused', 'Paused by somebody'],
  ['waiting', 'Waiting'],
  ['done', 'Done'],
  ['never', 'Never run'],
];

export const failuresOf = ({ failed, rowsFailed }) => failed + rowsFailed;

/** What holds a running run, and why: the status says it; one of an earlier version of the service by its rate. */
export function heldOf({ state, held, rate, throttlePressure }) {
  if (!isRunning(state)) return null;
  if (held !== undefined) return held;
  const isHeld = rate.perSecond === 0 || throttlePressure >= 1;
  return isHeld ? { reason: rate.reason, since: null, until: null } : null;
}

export function hasNoWorkers({ state, workers, startedAt, stateSince }, now) {
  return state === 'running' && workers === 0 && now - Date.parse(stateSince ?? startedAt) > WORKERS_START_MS;
}

/** The group of a backfill in the list. */
export function groupOf(status, now) {
  const { state, pausedBy, stalled, warnings } = status;
  if (state === 'failed' || (state === 'paused' && pausedBy === LIBRARY)) return 'attention';
  if (isRunning(state)) {
    const held = heldOf(status);
    // Somebody holds all backfills on purpose, and the page says so.
    const stops = held ? held.scope !== 'all' : hasNoWorkers(status, now);
    const hurts = stalled || stops || warnings.length > 0;
    return hurts ? 'attention' : 'running';
  }
  if (warnings.length > 0 && state !== 'cancelled') return 'attention';
  return { paused: 'paused', waiting: 'waiting', idle: 'never' }[state] ?? 'done';
}

/** What the badge says, and the state that gives it its color. */
export function badgeOf(status, now) {
  const { state, stalled, dryRun, undoes } = status;
  const obstacle = stalled
    ? 'stalled'
    : heldOf(status)
      ? 'held'
      : hasNoWorkers(status, now)
        ? 'no workers'
        : null;
  const text = obstacle ?? (state === 'idle' ? 'never run' : state);
  const kind = undoes ? ' · undo' : dryRun ? ' · dry run' : '';
  return { text: `${text}${kind}`, tone: obstacle ? 'held' : state };
}
