import { Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { sleep } from '../async/sleep.js';
import type { RedisLease } from '../redis/redis.lease.js';
import type { ThrottleLoop } from './throttle.loop.js';

/** The loops of a run's throttles in this process: all the time, or while this process holds a lease. */
export class RunPoll {
  private readonly log = new LogOnce(new Logger('Backfill'));
  private readonly stopped = new AbortController();
  /** Ends the loops that run now. */
  private loopsEnd: AbortController | undefined;

  /**
   * @param lease only its holder measures; `null`: each process does
   * @param renewMs after so many ms the lease is acquired or renewed again
   */
  constructor(
    private readonly loops: readonly ThrottleLoop[],
    private readonly lease: RedisLease | null,
    private readonly renewMs: number,
  ) {}

  /** Does not reject. Ends with `stop`. */
  async start(): Promise<void> {
    if (!this.lease) {
      this.startLoops();
      return;
    }
    while (!this.stopped.signal.aborted) {
      if (await this.acquire(this.lease)) {
        this.startLoops();
      } else {
        this.endLoops();
      }
      await sleep(this.renewMs, this.stopped.signal);
    }
  }

  /** Returns the names under which this process has reported last; it measures no more. */
  async stop(): Promise<readonly string[]> {
    const measured = this.loopsEnd !== undefined;
    this.stopped.abort();
    this.endLoops();
    await this.lease?.release();
    return measured ? this.loops.map(({ reporter }) => reporter) : [];
  }

  private startLoops(): void {
    if (!this.loopsEnd && !this.stopped.signal.aborted) {
      const end = new AbortController();
      this.loopsEnd = end;
      this.loops.forEach((loop) => void loop.start(end.signal));
    }
  }

  private endLoops(): void {
    this.loopsEnd?.abort();
    this.loopsEnd = undefined;
  }

  private async acquire(lease: RedisLease): Promise<boolean> {
    try {
      const isHeld = await lease.acquire();
      this.log.recover();
      return isHeld;
    } catch (error) {
      this.log.warn(`The lease to measure throttles cannot be acquired: ${String(error)}`);
      return false;
    }
  }
}
