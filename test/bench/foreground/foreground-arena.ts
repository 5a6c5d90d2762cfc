import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteProcess } from '../../support/processes/index.js';
import { p95Of } from './latency.js';
import type { Latency, Times } from './latency.js';

/** What was measured during some time. */
export interface Measured {
  readonly latency: Latency;
  readonly rowsPerSecond: number;
}

/** A second of a trace. */
export interface TracePoint {
  readonly times: Times;
  readonly rowsPerSecond: number;
  /** Seconds since its beginning. */
  readonly at: number;
  /** Ranges at once; `null` where it is fixed. */
  readonly concurrency: number | null;
  /** Why it is what it is. */
  readonly reason: string | null;
}

/** Production traffic, and beside it a backfill that does not end. */
export class ForegroundArena {
  constructor(
    private readonly traffic: RemoteProcess,
    private readonly app: RemoteProcess,
    private readonly rows: number,
  ) {}

  async pace(perSecond: number): Promise<void> {
    await this.traffic.call('pace', perSecond, this.rows);
  }

  async configure(patch: object): Promise<void> {
    await this.app.call('configure', 'endless', patch);
  }

  async start(): Promise<void> {
    await this.app.call('start', 'endless');
  }

  async pause(): Promise<void> {
    await this.app.call('pause', 'endless');
  }

  async resume(): Promise<void> {
    await this.app.call('resume', 'endless');
  }

  async cancel(): Promise<void> {
    await this.app.call('cancel', 'endless');
  }

  /** Measures for so many ms, after some to settle. */
  async measure(settleMs: number, ms: number): Promise<Measured> {
    await sleep(settleMs);
    const { times, rowsPerSecond } = await this.observe(ms);
    return { latency: p95Of([times]), rowsPerSecond };
  }

  /** Measures each of so many periods. */
  async trace(periods: number, periodMs: number): Promise<TracePoint[]> {
    const began = performance.now();
    const points: TracePoint[] = [];
    for (let i = 0; i < periods; i++) {
      const observed = await this.observe(periodMs);
      const { concurrency } = await this.app.call<{ concurrency: { value: number; reason: string } | null }>(
        'status',
        'endless',
      );
      points.push({
        ...observed,
        at: (performance.now() - began) / 1000,
        concurrency: concurrency?.value ?? null,
        reason: concurrency?.reason ?? null,
      });
    }
    return points;
  }

  private async observe(ms: number): Promise<Pick<TracePoint, 'times' | 'rowsPerSecond'>> {
    await this.traffic.call('take');
    const [from, before] = [performance.now(), await this.app.call<number>('endlessRows')];
    await sleep(ms);
    const [times, after] = await Promise.all([
      this.traffic.call<Times>('take'),
      this.app.call<number>('endlessRows'),
    ]);
    return { times, rowsPerSecond: ((after - before) * 1000) / (performance.now() - from) };
  }
}
