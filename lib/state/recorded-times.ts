import { publicStatus } from './verification.js';
import type { Verification } from './verification.js';
import type { StoredRunStatus } from './run-status.js';

/** Since when what a run says now holds, as epoch ms; each is `null` where it is not known. */
export interface RecordedTimes {
  /** Since when its state holds. */
  readonly stateSince: number | null;
  /** Ranges that were done by then; 0 where it is not known. */
  readonly doneBefore: number;
  /** Since when the rate in force is what it is. */
  readonly rateSince: number | null;
  /** Since when the hold in force, or the last one, holds, with the holds that it continues. */
  readonly holdSince: number | null;
}

/** The fields of a run that tell, as Redis stores them, and those that they were written for. */
export interface RecordedFields {
  readonly status: StoredRunStatus;
  readonly verification: Verification | null;
  readonly resumes: number;
  readonly finishedAt: number | null;
  readonly interval: string | undefined;
  readonly holdUntil: number | null;
  readonly stateSince?: string | undefined;
  readonly rateSince?: string | undefined;
  readonly holdSince?: string | undefined;
}

/**
 * Reads what the scripts recorded. Processes of earlier versions change a run without recording it: each field therefore
 * begins with what it was written for, and counts only where the run still is like that.
 */
export function recordedTimes(run: RecordedFields): RecordedTimes {
  const isOver = run.status !== 'running' && run.status !== 'paused';
  const [stateSince = null, doneBefore = null] = timesFor(
    `${publicStatus(run)}|${run.resumes}`,
    run.stateSince,
  );
  const [rateSince = null] = timesFor(run.interval ?? '', run.rateSince);
  const [holdSince = null] = timesFor(String(run.holdUntil), run.holdSince);
  return {
    stateSince: isOver ? run.finishedAt : stateSince,
    doneBefore: doneBefore ?? 0,
    rateSince,
    holdSince,
  };
}

/** The numbers of `what|number|number`; none where the text was written for something else. */
function timesFor(what: string, recorded: string | undefined): number[] {
  if (recorded === undefined || !recorded.startsWith(`${what}|`)) {
    return [];
  }
  const numbers = recorded.slice(what.length + 1).split('|');
  return numbers.every((text) => /^\d+$/.test(text)) ? numbers.map(Number) : [];
}
