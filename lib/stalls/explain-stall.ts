import { countOf } from '../errors/count-of.js';
import { formatDuration } from '../errors/format-duration.js';
import type { BlockingSession, StallCause } from '../state/stall.js';
import type { RangeReport, WorkReport } from '../state/work-report.js';
import type { LockReading } from './locks/lock-wait.reader.js';

/** A process that works on the run, by its last report. */
export interface WorkingProcess {
  readonly id: string;
  readonly report: WorkReport;
  /** Whether it is connected to Redis and has not reported for so long that its event loop must be blocked. */
  readonly isBlocked: boolean;
}

/** What may show why a run is stalled. */
export interface StallEvidence {
  readonly processes: readonly WorkingProcess[];
  readonly locks: LockReading;
  /** Ms for which something has waited, at least, to count. */
  readonly leastWaitMs: number;
  /** Ms for which nothing was done. */
  readonly quietMs: number;
  /** Epoch ms. */
  readonly now: number;
}

const OF_ACCOUNT =
  'the session that waits may be that of another run or of the app, as the sessions of this run are not known';

/** What a stalled run waits for: what explains the most comes first, as a blocked process may hold locks that others wait for. */
export function explainStall(evidence: StallEvidence): StallCause {
  const { locks } = evidence;
  const notes = locks.problem === null ? [] : [locks.problem];
  return (
    blockedProcess(evidence, notes) ??
    lock(evidence, notes) ??
    pool(evidence, notes) ??
    handler(evidence, notes) ?? {
      kind: 'unknown',
      reason: evidence.processes.some(({ report }) => report.ranges.length > 0)
        ? 'something unknown: ranges are in process, and none of them for so long'
        : 'something unknown: no range is in process',
      notes,
      details: {},
    }
  );
}

/** Whether a cause shows by itself that a run does not just take long. */
export function isConclusive(cause: StallCause): boolean {
  return cause.kind === 'handler' ? cause.details.ignoresSignal : cause.kind !== 'unknown';
}

function blockedProcess({ processes, now }: StallEvidence, notes: string[]): StallCause | null {
  const blocked = processes.filter(({ isBlocked }) => isBlocked);
  const [latest] = blocked.toSorted((a, b) => a.report.at - b.report.at);
  if (!latest) {
    return null;
  }
  const { id, report } = latest;
  const lateMs = now - report.at;
  return {
    kind: 'event-loop',
    reason: `process ${id}, which has not reported for ${formatDuration(lateMs)}: its event loop is blocked`,
    notes,
    details: { process: id, reportedAt: iso(report.at), lateMs },
  };
}

function lock({ locks, leastWaitMs }: StallEvidence, notes: string[]): StallCause | null {
  const wait = locks.waits.find(({ waitedMs }) => waitedMs >= leastWaitMs);
  if (!wait) {
    return null;
  }
  const { relation } = wait;
  const what = `${article(wait.lock)} lock${relation === null ? '' : ` on ${relation}`}`;
  const holders = wait.blockedBy.map(describeSession).join(' and ');
  return {
    kind: 'lock',
    reason: `${what} for ${formatDuration(wait.waitedMs)}${holders && `, held by ${holders}`}`,
    notes: locks.areOwn ? notes : [...notes, OF_ACCOUNT],
    details: wait,
  };
}

function article(lockType: string): string {
  return /^[aeiou]/.test(lockType) ? `an ${lockType}` : `a ${lockType}`;
}

/** `session 123 (psql), idle in transaction for 3 min`. */
function describeSession({ pid, application, user, state, forMs, waitsFor }: BlockingSession): string {
  const name = application ?? user;
  const waits = waitsFor.length > 0 ? `, which waits for ${waitsFor.join(', ')}` : '';
  return `session ${pid}${name === null ? '' : ` (${name})`}${state === null ? '' : `, ${state}`}${
    forMs === null ? '' : ` for ${formatDuration(forMs)}`
  }${waits}`;
}

function pool({ processes, leastWaitMs }: StallEvidence, notes: string[]): StallCause | null {
  const waiting = processes.flatMap(({ id, report }) =>
    report.pool && report.pool.waitedMs >= leastWaitMs ? [{ process: id, ...report.pool }] : [],
  );
  const [longest] = waiting.toSorted((a, b) => b.waitedMs - a.waitedMs);
  if (!longest) {
    return null;
  }
  const { process, context, size, ofLibrary, waitedMs } = longest;
  return {
    kind: 'pool',
    reason:
      `a connection of the pool "${context}" in process ${process} for ${formatDuration(waitedMs)}: ` +
      `all ${size} are in use, ${ofLibrary} of them by backfills`,
    notes,
    details: longest,
  };
}

function handler(
  { processes, leastWaitMs, quietMs, now }: StallEvidence,
  notes: string[],
): StallCause | null {
  const isIgnoring = ({ abortedForMs }: RangeReport) => abortedForMs !== null && abortedForMs >= leastWaitMs;
  const isLong = ({ forMs }: RangeReport) => forMs >= quietMs / 2;
  const ignoring = processes.find(({ report }) => report.ranges.some(isIgnoring));
  const found = ignoring ?? processes.find(({ report }) => report.ranges.some(isLong));
  if (!found) {
    return null;
  }
  const { id, report } = found;
  const ranges = report.ranges.filter(ignoring ? isIgnoring : isLong);
  const longest = Math.max(...ranges.map(({ forMs }) => forMs)) + (now - report.at);
  return {
    kind: 'handler',
    reason:
      `the handler of ${countOf(ranges.length, 'range')} in process ${id} for ${formatDuration(longest)}` +
      (ignoring ? ', which ignores its aborted signal' : ''),
    notes,
    details: {
      process: id,
      ignoresSignal: ignoring !== undefined,
      ranges: ranges.map(({ index, forMs, abortedForMs }) => ({
        index,
        since: iso(report.at - forMs),
        abortedAt: abortedForMs === null ? null : iso(report.at - abortedForMs),
      })),
    },
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
