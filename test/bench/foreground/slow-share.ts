import type { Latency, Timed } from './latency.js';

interface Count {
  slow: number;
  all: number;
}

interface Second extends Count {
  readonly at: number;
}

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
      second = { at, slow: 0, all: 0 };
      this.seconds.push(second);
    }
    second.all++;
    second.slow += ms > limit[kind] ? 1 : 0;
  }

  /** The lower one of the windows; `null` where there are fewer requests than so many. */
  share(enough: number): number | null {
    const now = Math.floor(performance.now() / 1000);
    this.seconds = this.seconds.filter(({ at }) => at > now - Math.max(...this.windows));
    const counts = this.windows.map((length) => countOf(this.seconds.filter(({ at }) => at > now - length)));
    return counts.some(({ all }) => all < enough)
      ? null
      : Math.min(...counts.map(({ slow, all }) => slow / all));
  }
}

function countOf(counts: readonly Count[]): Count {
  const sum = (of: keyof Count) => counts.reduce((total, count) => total + count[of], 0);
  return { slow: sum('slow'), all: sum('all') };
}
