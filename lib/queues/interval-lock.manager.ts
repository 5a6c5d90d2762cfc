import { LockManager } from 'bullmq';

/** So many renewals may wait for their reply: a blocked event loop reads the first one only after the second is due. */
const MOST_UNANSWERED = 2;

/**
 * Renews the locks of all jobs of a worker at a fixed interval. BullMQ's own starts the interval with the reply to the last
 * renewal, and leaves out the jobs that began within it: in a process whose event loop is blocked again and again, a lock is then
 * not renewed for the time of three blocks.
 */
export class IntervalLockManager extends LockManager {
  private unanswered = 0;

  override start(): void {
    clearInterval(this.lockRenewalTimer);
    if (!this.closed) {
      this.lockRenewalTimer = setInterval(() => void this.renew(), this.opts.lockRenewTime / 2);
    }
  }

  /**
   * Tracks a job from the fetch on. Where the reply to that is read late, after the event loop was blocked, its lock has no time
   * for another block: it is renewed at once.
   *
   * @param fetchedAt when the fetch was sent, in epoch ms
   */
  trackFetched(jobId: string, token: string, fetchedAt: number): void {
    this.trackJob(jobId, token, fetchedAt);
    if (Date.now() - fetchedAt > this.opts.lockRenewTime / 2) {
      void this.extendLocks([jobId]);
    }
  }

  private async renew(): Promise<void> {
    const jobs = this.getTrackedJobIds();
    if (jobs.length === 0 || this.unanswered === MOST_UNANSWERED) {
      return;
    }
    this.unanswered++;
    try {
      await this.extendLocks(jobs);
    } finally {
      this.unanswered--;
    }
  }
}
