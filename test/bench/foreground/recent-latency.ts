import { createHistogram } from 'node:perf_hooks';
import type { RecordableHistogram } from 'node:perf_hooks';
import { KINDS } from './latency.js';
import type { Latency, Timed } from './latency.js';

interface Second {
  readonly at: number;
  readonly ofKind: Readonly<Record<Timed['kind'], RecordableHistogram>>;
}

/**
 * The 95th percentiles of the last seconds, as a metrics system keeps them: in histograms. To sort the times at each look would
 * delay the statements that are timed.
 */
export class RecentLatency {
  private seconds: Second[] = [];

  constructor(private readonly length: number) {}

  record({ kind, endedAt, ms }: Timed): void {
    const at = Math.floor(endedAt / 1000);
    if (this.seconds.at(-1)?.at !== at) {
      this.seconds.push({ at, ofKind: { read: createHistogram(), update: createHistogram() } });
    }
    this.seconds.at(-1)?.ofKind[kind].record(Math.max(1, Math.round(ms * 1000)));
  }

  /** `null` where there are fewer of a kind than so many. */
  p95(enough: number): Latency | null {
    const oldest = Math.floor(performance.now() / 1000) - this.length;
    this.seconds = this.seconds.filter(({ at }) => at > oldest);
    const [read, update] = KINDS.map((kind) => {
      const all = createHistogram();
      this.seconds.forEach(({ ofKind }) => all.add(ofKind[kind]));
      return all.count < enough ? null : all.percentile(95) / 1000;
    });
    return read && update ? { read, update } : null;
  }
}
