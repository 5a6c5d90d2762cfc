import type { INestApplicationContext } from '@nestjs/common';
import { sleep } from '../../async/sleep.js';
import { DatabaseHealth } from '../../database/database.health.js';
import { RedisHealth } from '../../redis/redis.health.js';

const CHECK_EVERY_MS = 250;

/** Notices that a command waits for a server: the library itself waits for an outage of any length to end. */
export class OutageWatch {
  private readonly stopped = new AbortController();

  /** Resolves to the problem, once Redis or the database has not answered for so many ms; never, where both answer. */
  async outage(app: INestApplicationContext, ms: number): Promise<string> {
    const redis = app.get(RedisHealth, { strict: false });
    const database = app.get(DatabaseHealth, { strict: false });
    return Promise.race([
      this.lasting(ms, async () =>
        (await redis.isResponsive(ms)) ? null : `Redis does not answer within ${ms} ms`,
      ),
      // Most commands are over before, and need no connection to the database.
      sleep(CHECK_EVERY_MS, this.stopped.signal).then(() => this.lasting(ms, () => database.problem(ms))),
    ]);
  }

  /** Whatever does not answer from now on is waited for. */
  stop(): void {
    this.stopped.abort();
  }

  private async lasting(ms: number, check: () => Promise<string | null>): Promise<string> {
    const { signal } = this.stopped;
    let answeredAt = performance.now();
    while (!signal.aborted) {
      const problem = await check();
      if (problem === null) {
        answeredAt = performance.now();
      } else if (!signal.aborted && performance.now() - answeredAt >= ms) {
        return problem;
      }
      await sleep(CHECK_EVERY_MS, signal);
    }
    return new Promise(() => undefined);
  }
}
