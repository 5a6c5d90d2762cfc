import type { RecordedClaim, RecordedStart } from './record-claims.js';

const SECOND_MS = 1000;
/** Starts are recorded to the microsecond. */
const ROUNDING_MS = 0.01;

/** The second whose starts are furthest above what is allowed: one range more than the limit, or 2 %. */
export interface BusiestSecond {
  readonly from: number;
  readonly taken: number;
  readonly allowed: number;
}

/**
 * Looks at each second that begins with a start.
 *
 * @param taken what a start takes of the limit
 */
export function busiestSecond(
  starts: readonly RecordedStart[],
  limit: number,
  taken: (start: RecordedStart) => number,
): BusiestSecond {
  const sorted = starts.toSorted((a, b) => a.at - b.at);
  let end = 0;
  let sum = 0;
  const seconds = sorted.map((start, i): BusiestSecond => {
    for (; (sorted[end]?.at ?? Infinity) < start.at + SECOND_MS - ROUNDING_MS; end++) {
      sum += taken(sorted[end] as RecordedStart);
    }
    const largest = Math.max(...sorted.slice(i, end).map(taken));
    const second = { from: start.at, taken: sum, allowed: Math.max(limit + largest, 1.02 * limit) };
    sum -= taken(start);
    return second;
  });
  return seconds.reduce((a, b) => (b.taken - b.allowed > a.taken - a.allowed ? b : a), {
    from: 0,
    taken: 0,
    allowed: limit,
  });
}

/** The ms in which ranges of each run had places, from the first of some claims to the last. */
export function placeMsOf(claims: readonly RecordedClaim[]): Map<string, number> {
  const held = new Map<string, RecordedClaim>();
  const placeMs = new Map<string, number>();
  let before = claims[0]?.at ?? 0;
  for (const claim of claims) {
    for (const { run, held: places } of held.values()) {
      placeMs.set(run, (placeMs.get(run) ?? 0) + places * (claim.at - before));
    }
    held.set(`${claim.run}|${claim.process}`, claim);
    before = claim.at;
  }
  return placeMs;
}

/**
 * The claims after which more places are taken than there are, without a reason: a process that told Redis nothing for
 * longer than its lease counts as killed, so the ranges that it still has afterwards may be beyond the limit until they end.
 */
export function excessClaims(
  claims: readonly RecordedClaim[],
  concurrency: number,
  leaseMs: number,
): RecordedClaim[] {
  const members = new Map<string, { at: number; held: number; late: number }>();
  return claims.filter(({ run, process, at, held, starts, total }) => {
    const member = `${run}|${process}`;
    const before = members.get(member) ?? { at, held: 0, late: 0 };
    const isLate = before.held > 0 && at - before.at >= leaseMs - ROUNDING_MS;
    const late = Math.min(held - starts.length, isLate ? before.held : before.late);
    members.set(member, { at, held, late });
    return total > concurrency + sum([...members.values()].map((each) => each.late));
  });
}

/** Places that processes held which told Redis nothing until their leases had expired, and then went on. */
export function placesOfSilent(claims: readonly RecordedClaim[], leaseMs: number): number {
  const members = new Map<string, RecordedClaim>();
  return sum(
    claims.map((claim) => {
      const member = `${claim.run}|${claim.process}`;
      const before = members.get(member);
      members.set(member, claim);
      return before && claim.at - before.at >= leaseMs - ROUNDING_MS ? before.held : 0;
    }),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
