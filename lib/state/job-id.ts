/** The ranges that a BullMQ job carries: `count` of them, from index `first` on. */
export interface JobRanges {
  readonly first: number;
  readonly count: number;
}

/** Id of the job with a suffix. */
export function jobId(runId: string, suffix: string): string {
  return `${runId}-${suffix}`;
}

/** The suffix of a job, by its id. */
export function jobSuffix(runId: string, id: string): string {
  return id.slice(runId.length + 1);
}

/** Suffix of a job of newly planned ranges: `120x8` for eight ranges from 120 on. */
export function encodeJob({ first, count }: JobRanges): string {
  return `${first}x${count}`;
}

/**
 * Suffix of a job of one range that is queued again: `125a2` for range 125 after two claims. BullMQ ignores a job
 * whose id exists, so each time it is queued the range needs another id.
 */
export function encodeRequeuedJob(index: number, claims: number): string {
  return `${index}a${claims}`;
}

/** Reads a suffix of either kind. */
export function decodeJob(suffix: string): JobRanges {
  const [first = '', count = '1'] = suffix.includes('x') ? suffix.split('x') : suffix.split('a', 1);
  return { first: Number(first), count: Number(count) };
}
