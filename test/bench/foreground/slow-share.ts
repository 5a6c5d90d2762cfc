import { KINDS } from './latency.js';
import type { Kind, Latency, Timed } from './latency.js';

interface Count {
  slow: number;
  all: number;
}

type Second = Readonly<Record<Kind, Count>> & { readonly at: number };

/**
 * Which share of the requests of the last seconds was slower than a limit, as the service level of an app is measured (SRE
 * Workbook, "Alerting on SLOs": one long window, which noise hardly moves, and a short one, which is over soon, and the lower
 * share of both). A moment in which the machine stands still adds the few requests of that moment; a 95th percentile of so short
 * a time jumps to the length of the moment.
 */
export class SlowShare {
  private seconds: Second[] = [];

  /** @param windows in seconds */
  constructor(private readonly windows: readonly number[]) {}

  record({ kind, endedAt, ms }: Timed, limit: Latency): void {
    const at = Math.floor(endedAt / 1000);
    let second = this.seconds.at(-1);
    if (second?.at !== at) {
      second = { at, read: { slow: 0, all: 0 }, update: { slow: 0, all: 0 } };
      this.seconds.push(second);
    }
    second[kind].all++;
    second[kind].slow += ms > limit[kind] ? 1 : 0;
  }

  /** That of the kind with the higher one; `null` where there are fewer requests of a kind than so many. */
  share(enough: number): number | null {
    const now = Math.floor(performance.now() / 1000);
    this.seconds = this.seconds.filter(({ at }) => at > now - Math.max(...this.windows));
    const counts = this.windows.map((length) => {
      const within = this.seconds.filter(({ at }) => at > now - length);
      return KINDS.map((kind) => countOf(within.map((second) => second[kind])));
    });
    return counts.flat().some(({ all }) => all < enough)
      ? null
      : Math.min(...counts.map((ofKinds) => Math.max(...ofKinds.map(({ slow, all }) => slow / all))));
  }
}

function countOf(counts: readonly Count[]): Count {
  const sum = (of: keyof Count) => counts.reduce((total, count) => total + count[of], 0);
  return { slow: sum('slow'), all: sum('all') };
}
