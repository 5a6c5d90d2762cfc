import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from 'nestjs-backfill';
import { RemoteProcess } from '../support/processes/index.js';
import type { ChildPlan } from './plan.js';

/** A process of the app under test; its calls are those of `BackfillService`. */
export class Child extends RemoteProcess {
  constructor(module: URL, plan: ChildPlan) {
    super({
      module,
      execArgv: ['--no-warnings'],
      env: { CHAOS: JSON.stringify(plan) },
    });
  }

  /** When handlers began in this process, epoch ms. */
  starts(): Promise<number[]> {
    return this.call('starts');
  }

  /** Has the clocks on the wall, as zones tell them, show what they show so many ms later. */
  setWallClocks(byMs: number): Promise<void> {
    return this.call('setWallClocks', byMs);
  }
}

/** The processes of one scenario. */
export class Fleet {
  readonly children: Child[] = [];
  kills = 0;

  constructor(
    private readonly module: URL,
    private readonly plan: ChildPlan,
  ) {}

  /** Starts a process and waits until it works. */
  async start(change: Partial<ChildPlan> = {}): Promise<Child> {
    const child = this.launch(change);
    await child.ready;
    return child;
  }

  /** Starts a process that may die before it is ready. */
  launch(change: Partial<ChildPlan> = {}): Child {
    const child = new Child(this.module, { ...this.plan, ...change });
    this.children.push(child);
    return child;
  }

  async kill(child: Child): Promise<void> {
    this.kills++;
    await child.kill();
  }

  /** Polls until the newest run is over. */
  async finished(operator: Child, name: string, withinMs = 90_000): Promise<BackfillStatus> {
    return this.until(
      operator,
      name,
      ({ state }) => state === 'completed' || state === 'failed' || state === 'cancelled',
      withinMs,
    );
  }

  /** Polls until the status is as wanted. */
  async until(
    operator: Child,
    name: string,
    wanted: (status: BackfillStatus) => boolean,
    withinMs = 90_000,
  ): Promise<BackfillStatus> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const status = await operator.call<BackfillStatus>('status', name);
      if (wanted(status)) {
        return status;
      }
      if (performance.now() > deadline) {
        throw new Error(`not within ${withinMs} ms; last status: ${JSON.stringify(status)}`);
      }
      await sleep(100);
    }
  }

  /** Lines of all processes that match. */
  logs(pattern: RegExp): string[] {
    return this.children.flatMap(({ logs }) => logs.filter((line) => pattern.test(line)));
  }

  async close(): Promise<void> {
    await Promise.all(
      this.children
        .filter(({ gone }) => !gone)
        .map((child) => {
          child.signal('SIGCONT');
          return child.kill();
        }),
    );
  }
}
