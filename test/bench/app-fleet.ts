import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteProcess } from '../support/processes/index.js';
import type { BenchArena } from './bench-arena.js';
import type { BenchPlan } from './bench-plan.js';

type AppPlan = Partial<
  Pick<BenchPlan, 'config' | 'ranges' | 'rangeMs' | 'lockDuration' | 'workers' | 'throttled'>
>;

/** Several processes of one app; the first one is asked to start, pause and so on. */
export class AppFleet {
  private constructor(readonly apps: readonly RemoteProcess[]) {}

  static async start(
    arena: BenchArena,
    processes: number,
    plan: AppPlan,
    execArgv: readonly string[] = [],
  ): Promise<AppFleet> {
    const keyPrefix = arena.keyPrefix();
    const apps = await Promise.all(
      Array.from({ length: processes }, () => arena.fork({ role: 'app', keyPrefix, ...plan }, execArgv)),
    );
    return new AppFleet(apps);
  }

  get operator(): RemoteProcess {
    const [first] = this.apps;
    if (!first) {
      throw new Error('Expected a fleet of at least one process');
    }
    return first;
  }

  /** When ranges of a backfill began in any process since it was last asked, in order. */
  async starts(name: string): Promise<number[]> {
    const all = await Promise.all(this.apps.map((app) => app.call<number[]>('starts', name)));
    return all.flat().toSorted((a, b) => a - b);
  }

  /** Waits until every process holds a worker of a backfill. */
  joined(name: string): Promise<void> {
    return awaitWorkers(this.operator, name, this.apps.length);
  }

  async stop(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.stop()));
  }
}

/** Waits until so many processes hold a worker of a backfill, as one of them sees it. */
export async function awaitWorkers(app: RemoteProcess, name: string, processes: number): Promise<void> {
  for (;;) {
    const { workers } = await app.call<{ workers: unknown[] | number }>('status', name);
    if ((Array.isArray(workers) ? workers.length : workers) >= processes) {
      return;
    }
    await sleep(50);
  }
}
