import { Injectable, Logger } from '@nestjs/common';
import { RedisClock } from '../redis/redis.clock.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { RunBreaker } from './run.breaker.js';

/** A process that can serve the run may be starting: so long it is given to report its workers. */
const UNSERVED_MS = 3_000;

/**
 * The running runs on which this process does not work because its source is another one. In a rolling deploy, the
 * processes with the source of the run finish it. Once there is none, the run is paused: it would wait for ever.
 */
@Injectable()
export class RefusedRuns {
  private readonly logger = new Logger('Backfill');
  /** By backfill: the refused run, and since when no process has workers for it, by `performance.now()`. */
  private readonly refused = new Map<string, { runId: string; unservedSince: number }>();

  constructor(
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
    private readonly breaker: RunBreaker,
  ) {}

  /**
   * Called again and again while the run is running.
   *
   * @param difference how the source differs, and what to do
   */
  async refuse(backfill: string, runId: string, difference: string): Promise<void> {
    const now = performance.now();
    const refusal = this.refused.get(backfill);
    if (refusal?.runId !== runId) {
      this.refused.set(backfill, { runId, unservedSince: now });
      this.logger.error(
        `[${backfill} run ${runId}] this process does not work on the run: ${difference}. ` +
          'The run is paused once no process with the source of the run is left',
      );
      return;
    }
    const serving = await this.heartbeats.workers(backfill, await this.clock.now());
    if (serving.length > 0) {
      refusal.unservedSince = now;
    } else if (now - refusal.unservedSince >= UNSERVED_MS) {
      this.refused.delete(backfill);
      await this.breaker.pause(backfill, runId, difference);
    }
  }
}
