import type { StallStatus } from '../../state/stall.js';
import type { BackfillStatus } from '../../status/backfill-status.js';
import { formatDuration, formatTime } from './time.js';

/**
 * What somebody has to know of the state at first sight, in words: since when it holds and why, or why nothing moves. `null`
 * of a backfill without a run, and of a run that goes on.
 */
export function stateLine(status: BackfillStatus): string | null {
  const { state, held, stalled } = status;
  switch (state) {
    case 'idle':
      return null;
    case 'paused':
      return withReason(`paused${ago(status)}${by(status.pausedBy)}`, status);
    case 'completed':
    case 'failed':
    case 'cancelled':
      return withReason(`${state}${ended(status)}`, status);
    default:
      if (held) {
        return `held${held.scope === 'all' ? ' with all backfills' : ''}${by(held.by)}: ${firstLine(held.reason)}${moment('since', held.since)}${moment('until', held.until)}`;
      }
      return stalled && stalledLine(status, stalled);
  }
}

/** The first line of a text that an error may have. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function withReason(text: string, { stateReason }: BackfillStatus): string {
  return stateReason === null ? text : `${text}: ${firstLine(stateReason)}`;
}

function ago({ stateSince, now }: BackfillStatus): string {
  return stateSince === null ? '' : ` ${formatDuration(Date.parse(now) - Date.parse(stateSince))} ago`;
}

function by(name: string | null): string {
  return name === null ? '' : ` by ${name}`;
}

function ended({ startedAt, finishedAt }: BackfillStatus): string {
  if (finishedAt === null) {
    return '';
  }
  const took =
    startedAt === null ? '' : `, took ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
  return ` at ${formatTime(finishedAt)}${took}`;
}

function moment(word: 'since' | 'until', time: string | null): string {
  return time === null ? '' : `, ${word} ${formatTime(time)}`;
}

function stalledLine({ now }: BackfillStatus, { since, waitingFor }: StallStatus): string {
  const quiet = formatDuration(Date.parse(now) - Date.parse(since));
  return `stalled: nothing done for ${quiet}, waiting for ${firstLine(waitingFor.reason)}`;
}
