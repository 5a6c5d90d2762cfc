import { Injectable, Logger } from '@nestjs/common';
import { RangeQueues } from '../queues/range.queues.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { RangeStore } from '../state/range.store.js';

/** Queues the jobs of outstanding ranges again that were lost between the write to the run and the one to the queue. */
@Injectable()
export class JobReconciler {
  private readonly logger = new Logger('Backfill');

  constructor(
    private readonly rangeStore: RangeStore,
    private readonly queues: RangeQueues,
    private readonly keys: BackfillKeys,
  ) {}

  /** Returns how many jobs were missing or overdue. */
  async reconcile(backfill: string, runId: string): Promise<number> {
    const queue = this.queues.of(backfill);
    let requeued = 0;
    const pages = this.rangeStore.missing(
      runId,
      this.keys.job(backfill, runId),
      `${runId}-`,
      queue.toKey('delayed'),
    );
    for await (const page of pages) {
      await this.queues.add(
        backfill,
        runId,
        page.filter(({ delayMs }) => delayMs >= 0),
      );
      for (const { job } of page.filter(({ delayMs }) => delayMs < 0)) {
        await (await queue.getJob(`${runId}-${job}`))?.promote();
      }
      requeued += page.length;
    }
    if (requeued > 0) {
      this.logger.warn(`[${backfill} run ${runId}] queued ${requeued} missing or overdue jobs again`);
    }
    return requeued;
  }
}
