import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONDITION_MS } from '../deadlines.js';
import type { RemoteReport } from './messages.js';

export interface RemoteOptions {
  readonly module: URL;
  /** Options of node; those of this process by default, so that it loads TypeScript as this one does. */
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of its own whose methods can be called; its side is `answerParent`. */
export class RemoteProcess {
  readonly logs: string[] = [];
  readonly ready: Promise<void>;
  readonly exited: Promise<NodeJS.Signals | null>;
  private readonly pending = new Map<number, { resolve: (v: unknown) => void; reject: (e: Error) => void }>();
  private readonly process: ChildProcess;
  private next = 0;
  gone = false;

  constructor({ module, execArgv = process.execArgv, env = {} }: RemoteOptions) {
    this.process = fork(module, {
      execArgv: [...execArgv],
      env: { ...process.env, ...env, NO_COLOR: '1' },
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
      this.process.on('message', (report: RemoteReport) => {
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

  call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    if (this.gone) {
      return Promise.reject(new Error('the process died'));
    }
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.process.send({ id, call: method, args }, (error) => error && reject(error));
    });
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
    const ended = await Promise.race([
      this.exited.then(() => true),
      sleep(CONDITION_MS, false, { ref: false }),
    ]);
    if (!ended) {
      await this.kill();
      throw new Error(`a process did not end by itself within ${CONDITION_MS / 1000} s of SIGTERM`);
    }
  }

  private settle(report: Extract<RemoteReport, { id: number }>): void {
    const waiting = this.pending.get(report.id);
    this.pending.delete(report.id);
    if ('error' in report) {
      waiting?.reject(Object.assign(new Error(report.error.message), { name: report.error.name }));
    } else {
      waiting?.resolve(report.value);
    }
  }
}
