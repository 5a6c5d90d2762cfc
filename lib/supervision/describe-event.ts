import { countOf } from '../errors/count-of.js';
import { formatDuration } from '../errors/format-duration.js';
import { describeLimit } from '../state/limiting-factor.js';
import { describeOverride } from '../state/throttle-override.js';
import type { BackfillEvent, BackfillEventCause } from '../state/backfill-event.js';

/** What an event says of its run, for the log; `null` for events that are no change of its state. */
export function describeEvent(event: BackfillEvent): string | null {
  switch (event.type) {
    case 'started':
      return `started${startedFor(event.data)}${causeOf(event.data)}`;
    case 'paused':
      return `paused${event.data.recovered ? ' as it was restored' : ''}${causeOf(event.data)}`;
    case 'resumed':
      return `resumed${resumedFor(event.data)}${causeOf(event.data)}`;
    case 'cancelled':
      return `cancelled${causeOf(event.data)}`;
    case 'canaryEnded':
      return event.data.reason;
    case 'verifying':
      return verifying(event.data);
    case 'completed':
      return 'completed';
    case 'failed':
      return `failed: ${countOf(event.data.failures, 'failure')}${missing(event.data.rowsMissing)}`;
    case 'throttled':
      return typeof event.data.until === 'number'
        ? `held until ${new Date(event.data.until).toISOString()}: ${event.data.reason}`
        : null;
    case 'released':
      return `goes on after ${formatDuration(event.data.ended - event.data.since)}: ${event.data.reason}`;
    case 'stalled':
      return `stalled, waiting for ${event.data.waitingFor.reason}`;
    case 'stallEnded':
      return `stalled no longer, after ${formatDuration(event.data.ended - event.data.since)}`;
    case 'late':
      return late(event.data);
    case 'onTime':
      return `expected to end in time again, by ${new Date(event.data.finishBy).toISOString()}`;
    case 'overridden':
      return `throttle ${override(event.data)}${causeOf(event.data)}`;
    case 'heldAll':
      return `all backfills are held${endOf(event.data.until)}${causeOf(event.data)}`;
    case 'releasedAll':
      return (
        `all backfills go on after ${formatDuration(event.data.ended - event.data.since)}${causeOf(event.data)}; ` +
        `they were held: ${event.data.held}`
      );
    case 'deployed':
      return deployed(event.data);
    case 'planned':
    case 'rangeCompleted':
    case 'quarantined':
    case 'configured':
    case 'budgetConfigured':
    // What holds a run is logged where it is measured.
    case 'held':
      return null;
    default:
      return event satisfies never;
  }
}

function causeOf({ by, reason }: BackfillEventCause): string {
  return `${by ? ` by ${by}` : ''}${reason ? `: ${reason}` : ''}`;
}

function late({ finishBy, eta, by, limitedBy }: BackfillEvent<'late'>['data']): string {
  const end = eta === null ? 'late' : `to end at ${eta}`;
  const when = `${formatDuration(by)} after ${new Date(finishBy).toISOString()} at the least`;
  return `expected ${end}, ${when}${limitedBy === null ? '' : `: ${describeLimit(limitedBy)}`}`;
}

function override({ throttle, factor, until }: BackfillEvent<'overridden'>['data']): string {
  return until === null
    ? `${throttle} is as it was`
    : describeOverride({ throttle, factor, until: new Date(until).toISOString() });
}

function endOf(until: number | null): string {
  return until === null ? '' : ` until ${new Date(until).toISOString()}`;
}

function startedFor({ dryRun, undoes, canary }: BackfillEvent<'started'>['data']): string {
  if (undoes !== undefined) {
    return ` to undo run ${undoes}`;
  }
  return `${dryRun ? ' as a dry run' : ''}${canary ? ` with a canary of ${countOf(canary.rows, 'row')}` : ''}`;
}

function resumedFor({ retry, recovered, adoptVersion }: BackfillEvent<'resumed'>['data']): string {
  if (adoptVersion !== undefined) {
    return ` with version ${adoptVersion}`;
  }
  return retry ? ' to retry failures' : recovered ? ' as it was restored' : '';
}

function verifying({ phase, round, left }: BackfillEvent<'verifying'>['data']): string {
  const what = phase === 'sweep' ? `sweep ${round}` : phase;
  return `verifying, ${what}${left === null ? '' : `: ${countOf(left, 'row')} left`}`;
}

function deployed({ version, from, processes }: BackfillEvent<'deployed'>['data']): string {
  const change = version === from ? '' : `, version ${from ?? 'none'} is now ${version ?? 'none'}`;
  return `worked on by ${countOf(processes, 'new process')}${change}`;
}

function missing(rows = 0): string {
  return rows === 0 ? '' : `, ${countOf(rows, 'row')} missing`;
}
