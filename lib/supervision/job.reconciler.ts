import { Injectable, Logger } from '@nestjs/common';
import { RangeQueues } from '../queues/range.queues.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { RangeStore } from '../state/range.store.js';

/** Gives every outstanding range a job again, after a crash between the tracker's step and the queue's. */
@Injectable()
export class JobReconciler {
  private readonly logger = new Logger('Backfill');
  constructor(
    private readonly rangeStore: RangeStore,
    private readonly queues: RangeQueues,
    private readonly keys: BackfillKeys,
  ) {}

  /** Answers how many jobs were missing or overdue. */
  async reconcile(backfill: string, runId: string): Promise<number> {
    const queue = this.queues.of(backfill);
    let mended = 0;
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
      mended += page.length;
    }
    if (mended > 0) {
      this.logger.warn(
        `[${backfill} run ${runId}] ${mended} jobs were missing or overdue and are queued again`,
      );
    }
    return mended;
  }
}
