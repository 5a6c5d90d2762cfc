import { between, counted, isRunning, when } from './format.js';
import { failuresOf, hasNoWorkers, heldOf, LIBRARY } from './status-groups.js';

/**
 * In words: what a backfill does or why it does not, since when. A list of texts; those that people or errors wrote are
 * `{ text }`, which is shown isolated.
 */
export function wordsOf(status, now, { withStart = true } = {}) {
  const { state } = status;
  if (state === 'idle') return ['never run'];
  if (isRunning(state)) return runningWords(status, now, withStart);
  if (state === 'paused') {
    const who = status.pausedBy === LIBRARY ? ' itself' : '';
    return [`paused${who}${ago(status.stateSince, now)}`, ...byWhom(status), ...because(status.stateReason)];
  }
  if (state === 'waiting') return [`waiting${ago(status.stateSince, now)}`, ...because(status.stateReason)];
  return endWords(status, now);
}

/** What a running run waits for; empty where it is not held up. */
export function obstacleOf(status, now) {
  const held = heldOf(status);
  if (status.stalled) {
    const { since, waitingFor } = status.stalled;
    return [
      `stalled: nothing done for ${between(Date.parse(since), now)}, waiting for `,
      { text: waitingFor.reason },
    ];
  }
  if (held)
    return [
      ...holderOf(held),
      { text: held.reason },
      sinceText(held.since, now),
      untilClock(held.until, now),
    ];
  return hasNoWorkers(status, now) ? ['no process has workers for it'] : [];
}

function runningWords(status, now, withStart) {
  const obstacle = obstacleOf(status, now);
  if (obstacle.length > 0) return obstacle;
  const since = status.stateSince ?? status.startedAt;
  const start = since ? [` for ${between(Date.parse(since), now)}`] : [];
  return [status.state, ...start, ...(withStart ? [...byStarter(status), ...because(status.reason)] : [])];
}

function endWords(status, now) {
  const { state, finishedAt, startedAt } = status;
  const end = finishedAt ?? status.stateSince;
  const at = end ? ` at ${when(end, now)}` : '';
  const took = end && startedAt ? `, took ${between(Date.parse(startedAt), Date.parse(end))}` : '';
  const failures = failuresOf(status) > 0 ? `, ${counted(failuresOf(status), 'failure')}` : '';
  return [`${state}${at}${took}${failures}`, ...because(status.stateReason)];
}

/** Who holds it, where all backfills are held. */
function holderOf({ scope, by, reason }) {
  if (scope !== 'all') return [reason.startsWith('held') ? '' : 'held: '];
  return by ? ['held with all backfills by ', { text: by }, ': '] : ['held with all backfills: '];
}

const ago = (iso, now) => (iso ? ` ${between(Date.parse(iso), now)} ago` : '');
const sinceText = (iso, now) => (iso ? `, since ${when(iso, now)}` : '');
const untilClock = (iso, now) => (iso ? `, until ${when(iso, now)}` : '');
const because = (reason) => (reason ? [': ', { text: reason }] : []);
const byStarter = ({ startedBy }) => (startedBy ? [', started by ', { text: startedBy }] : []);

function byWhom({ pausedBy }) {
  return pausedBy && pausedBy !== LIBRARY ? [' by ', { text: pausedBy }] : [];
}
