import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from 'nestjs-backfill';
import type { ChildPlan, Report } from './plan.js';

const REGISTER = new URL('../support/swc/register.js', import.meta.url).href;
const CHILD = new URL('./child.ts', import.meta.url);

/** A process of the app under test. */
export class Child {
  readonly logs: string[] = [];
  readonly ready: Promise<void>;
  readonly exited: Promise<NodeJS.Signals | null>;
  private readonly pending = new Map<number, { resolve: (v: unknown) => void; reject: (e: Error) => void }>();
  private readonly process: ChildProcess;
  private next = 0;
  gone = false;

  constructor(plan: ChildPlan) {
    this.process = fork(CHILD, {
      execArgv: ['--import', REGISTER, '--no-warnings'],
      env: { ...process.env, CHAOS: JSON.stringify(plan), NO_COLOR: '1' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.process.stderr?.on('data', (text: Buffer) => this.logs.push(String(text)));
    this.exited = once(this.process, 'exit').then(([, signal]) => {
      this.gone = true;
      for (const { reject } of this.pending.values()) {
        reject(new Error('the process died'));
      }
      return signal as NodeJS.Signals | null;
    });
    this.ready = new Promise((resolve, reject) => {
      this.process.on('message', (report: Report) => {
        if ('ready' in report) {
          resolve();
        } else if ('log' in report) {
          this.logs.push(report.log);
        } else {
          this.settle(report);
        }
      });
      void this.exited.then(() =>
        reject(new Error(`a process ended before it was ready:\n${this.logs.slice(-20).join('\n')}`)),
      );
    });
    this.ready.catch(() => undefined);
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** Calls a method of the process's `BackfillService`. */
  call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    return this.ask({ call: method, args }) as Promise<T>;
  }

  /** When handlers began in this process, epoch ms. */
  starts(): Promise<number[]> {
    return this.ask({ starts: true }) as Promise<number[]>;
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const ended = await Promise.race([this.exited.then(() => true), sleep(15_000, false)]);
    if (!ended) {
      await this.kill();
      throw new Error('a process did not end by itself within 15 s of SIGTERM');
    }
  }

  private ask(command: Record<string, unknown>): Promise<unknown> {
    if (this.gone) {
      return Promise.reject(new Error('the process died'));
    }
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.process.send({ ...command, id }, (error) => error && reject(error));
    });
  }

  private settle(report: Extract<Report, { id: number }>): void {
    const waiting = this.pending.get(report.id);
    this.pending.delete(report.id);
    if ('error' in report) {
      waiting?.reject(Object.assign(new Error(report.error.message), { name: report.error.name }));
    } else {
      waiting?.resolve(report.value);
    }
  }
}

/** The processes of one scenario. */
export class Fleet {
  readonly children: Child[] = [];
  kills = 0;

  constructor(private readonly plan: ChildPlan) {}

  /** Starts a process and waits until it works. */
  async start(change: Partial<ChildPlan> = {}): Promise<Child> {
    const child = this.launch(change);
    await child.ready;
    return child;
  }

  /** Starts a process that may die before it is ready. */
  launch(change: Partial<ChildPlan> = {}): Child {
    const child = new Child({ ...this.plan, ...change });
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
