import { Injectable } from '@nestjs/common';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { RangeQueues } from '../queues/range.queues.js';
import { jobId } from '../state/job-id.js';
import { RangeStore } from '../state/range.store.js';

/** Queues the jobs of outstanding ranges again that were lost between the write to the run and the one to the queue. */
@Injectable()
export class JobReconciler {
  private readonly logger = new BackfillLogger();

  constructor(
    private readonly rangeStore: RangeStore,
    private readonly queues: RangeQueues,
  ) {}

  /** Returns how many jobs were missing or overdue. */
  async reconcile(backfill: string, runId: string): Promise<number> {
    const queue = this.queues.of(backfill, runId);
    let requeued = 0;
    const idPrefix = jobId(runId, '');
    const pages = this.rangeStore.jobProblems(runId, queue.toKey(idPrefix), idPrefix, queue.toKey('delayed'));
    for await (const page of pages) {
      await this.queues.add(
        backfill,
        runId,
        page.filter((problem) => problem.kind === 'missing'),
      );
      for (const { job } of page.filter(({ kind }) => kind === 'overdue')) {
        await (await queue.getJob(jobId(runId, job)))?.promote();
      }
      requeued += page.length;
    }
    if (requeued > 0) {
      this.logger.write(
        'warn',
        { backfill, runId, requeued },
        `queued ${requeued} missing or overdue jobs again`,
      );
    }
    return requeued;
  }
}
