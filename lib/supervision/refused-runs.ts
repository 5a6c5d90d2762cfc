import { Injectable } from '@nestjs/common';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { RedisClock } from '../redis/redis.clock.js';
import type { RunRecord } from '../state/run-record.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { RunBreaker } from './run.breaker.js';

/** The run as this process read it. */
type RefusedRun = Pick<RunRecord, 'id' | 'resumes'>;

/** A process that can serve the run may be starting: so long it is given to report its workers. */
const UNSERVED_MS = 3_000;

/**
 * The running runs on which this process does not work because its handler is another one. In a rolling deploy, the
 * processes with the handler of the run finish it. Once there is none, the run is paused: it would wait for ever.
 */
@Injectable()
export class RefusedRuns {
  private readonly logger = new BackfillLogger();
  /** By backfill: the refused run, and since when no process has workers for it, by `performance.now()`. */
  private readonly refused = new Map<string, { runId: string; resumes: number; unservedSince: number }>();

  constructor(
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
    private readonly breaker: RunBreaker,
  ) {}

  /**
   * Called again and again while the run is running.
   *
   * @param reason why this process does not work on it, and what to do
   */
  async refuse(backfill: string, { id: runId, resumes }: RefusedRun, reason: string): Promise<void> {
    const now = performance.now();
    const refusal = this.refused.get(backfill);
    // A process that can serve it may have been started since the last time that it was running.
    if (refusal?.runId !== runId || refusal.resumes !== resumes) {
      this.refused.set(backfill, { runId, resumes, unservedSince: now });
      this.logger.write(
        'error',
        { backfill, runId, reason },
        `this process does not work on the run: ${reason}. ` +
          'The run is paused once no process that can is left',
      );
      return;
    }
    const serving = await this.heartbeats.workers(backfill, await this.clock.now());
    if (serving.length > 0) {
      refusal.unservedSince = now;
    } else if (now - refusal.unservedSince >= UNSERVED_MS) {
      this.refused.delete(backfill);
      await this.breaker.pause(backfill, runId, reason, undefined, resumes);
    }
  }
}
