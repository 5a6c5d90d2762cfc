import { setTimeout as sleep } from 'node:timers/promises';
import { RemoteProcess } from '../support/processes/index.js';
import type { Closing, ClosingPlan } from './plan.js';

/** Beyond `shutdownTimeout`, as the README promises. */
export const PROMISED_MS = 10_000;
/** A process that a signal ends, or that has nothing left to do, ends before this. */
const EXIT_MS = 30_000;

/** A process that opens and closes one app after another. It is replaced when an app does not close. */
export class Lane {
  readonly failures: string[] = [];
  slowestMs = 0;
  closed = 0;
  private process: RemoteProcess | undefined;

  constructor(
    private readonly module: URL,
    private readonly plan: ClosingPlan,
  ) {}

  async open(seed: number, call = 'open'): Promise<void> {
    const process = await this.running();
    await process.call(call, seed);
  }

  /** Closes the app, and records whether that took longer than promised. */
  async close(seed: number): Promise<void> {
    const process = await this.running();
    const promisedMs = this.plan.shutdownTimeout + PROMISED_MS;
    const closing = process.call<Closing>('close').catch((error: unknown) => String(error));
    const closed = await Promise.race([closing, sleep(3 * promisedMs, null, { ref: false })]);
    this.closed++;
    if (closed === null || typeof closed === 'string') {
      this.failures.push(`seed ${seed}: ${closed ?? 'not closed'}, ${await describe(process)}`);
      await this.replace();
      return;
    }
    this.slowestMs = Math.max(this.slowestMs, closed.ms);
    if (closed.ms > promisedMs) {
      const { ms, starting, steps, logs } = closed;
      const when = starting ? ' while starting' : '';
      this.failures.push(
        `seed ${seed}: ${Math.round(ms)} ms${when}, ${steps.join(' ')}\n    ${logs.join('\n    ')}`,
      );
    }
  }

  /** A process that gets SIGTERM twice is ended by it once its app has closed. */
  async endBySignal(seed: number): Promise<void> {
    const process = await this.running();
    await sleep(500);
    process.signal('SIGTERM');
    await sleep(100);
    process.signal('SIGTERM');
    await this.expectExit(`seed ${seed}: after SIGTERM`, process);
  }

  /** A process whose apps are closed ends by itself: none has left a socket or a timer. */
  async end(): Promise<void> {
    if (this.process && !this.process.gone) {
      await this.process.call('end', 0);
      await this.expectExit('after the last app', this.process);
    }
  }

  async kill(): Promise<void> {
    await this.process?.kill();
  }

  private async expectExit(what: string, process: RemoteProcess): Promise<void> {
    const unhandled = process.logs.filter((line) => line.startsWith('UNHANDLED'));
    this.failures.push(...unhandled);
    const exited = await Promise.race([
      process.exited.then(() => true),
      sleep(EXIT_MS, false, { ref: false }),
    ]);
    if (!exited) {
      this.failures.push(`${what}: the process did not end within ${EXIT_MS} ms, ${await describe(process)}`);
      await process.kill();
    }
    this.process = undefined;
  }

  private async running(): Promise<RemoteProcess> {
    if (!this.process || this.process.gone) {
      this.process = new RemoteProcess({
        module: this.module,
        execArgv: ['--no-warnings'],
        env: { CLOSING: JSON.stringify(this.plan) },
      });
    }
    await this.process.ready;
    return this.process;
  }

  private async replace(): Promise<void> {
    await this.process?.kill();
    this.process = undefined;
  }
}

async function describe(process: RemoteProcess): Promise<string> {
  const known = process.call<string>('describe').catch((error: unknown) => String(error));
  const description = await Promise.race([known, sleep(2_000, 'it does not answer', { ref: false })]);
  return [description, ...process.logs.slice(-5)].join('\n    ');
}
