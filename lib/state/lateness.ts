/** Whether a run is expected to end later than it should, as the run stores it. Times are epoch ms. */
export interface Lateness {
  readonly late: boolean;
  /** Since when. */
  readonly since: number;
  /** Since when the opposite is expected without a break; `null`: it is not. */
  readonly turning: number | null;
}

/** What is expected of a run. */
export interface Expectation {
  readonly finishBy: number;
  /** When it will end at the earliest; `null` where that is not known. */
  readonly end: number | null;
  readonly now: number;
}

/** An end that is measured differs from second to second: a run is late once it was expected to be for so long. */
const LATE_AFTER_MS = 20_000;
/** And no longer late once it was expected to end clearly earlier for so long. */
const ON_TIME_AFTER_MS = 60_000;
/** Clearly earlier: by this part of the time that is left. */
const CLEARLY = 0.05;

/** Lateness with hysteresis: it follows what is expected once that has lasted, and at once where `finishBy` has passed. */
export function nextLateness(before: Lateness | null, expected: Expectation): Lateness {
  const { finishBy, end, now } = expected;
  const current = before ?? { late: false, since: now, turning: null };
  if (now >= finishBy) {
    return current.late ? { ...current, turning: null } : { late: true, since: now, turning: null };
  }
  const { late } = current;
  if (end === null || !contradicts(late, finishBy, end, now)) {
    return { ...current, turning: null };
  }
  const turning = current.turning ?? now;
  const isOver = now - turning >= (late ? ON_TIME_AFTER_MS : LATE_AFTER_MS);
  return isOver ? { late: !late, since: now, turning: null } : { ...current, turning };
}

function contradicts(late: boolean, finishBy: number, end: number, now: number): boolean {
  return late ? finishBy - end > CLEARLY * (end - now) : end > finishBy;
}

/** Writes `late|since|turning`, with 1 or 0 first, and '' for `null`. */
export function encodeLateness({ late, since, turning }: Lateness): string {
  return `${late ? 1 : 0}|${since}|${turning ?? ''}`;
}

/** Reads what `encodeLateness` wrote; `null` for anything else. */
export function decodeLateness(text: string | null): Lateness | null {
  const [, late, since, turning] = /^([01])\|(\d+)\|(\d*)$/.exec(text ?? '') ?? [];
  return since === undefined
    ? null
    : { late: late === '1', since: Number(since), turning: turning ? Number(turning) : null };
}
