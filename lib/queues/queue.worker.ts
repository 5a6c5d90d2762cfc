import { Worker } from 'bullmq';
import type { Job, LockManagerWorkerContext, Processor, WorkerOptions } from 'bullmq';
import { IntervalLockManager } from './interval-lock.manager.js';

/** A BullMQ worker that loses no lock of a job while its process is merely busy. */
export class QueueWorker<Data> extends Worker<Data> {
  declare protected lockManager: IntervalLockManager;

  constructor(name: string, process: Processor<Data>, options: WorkerOptions) {
    super(name, process, options);
    // BullMQ fetches as many jobs as the worker has room for, one after another, before it begins with the first: without this,
    // no lock of them is renewed meanwhile.
    this.on('active', ({ id, token, processedOn }: Job<Data>) => {
      if (id !== undefined && token !== undefined) {
        this.lockManager.trackFetched(id, token, processedOn ?? Date.now());
      }
    });
  }

  protected override createLockManager(): void {
    // BullMQ has filled in the defaults.
    const { lockDuration, lockRenewTime } = this.opts as Required<WorkerOptions>;
    this.lockManager = new IntervalLockManager(this as LockManagerWorkerContext, {
      lockDuration,
      lockRenewTime,
      workerId: this.id,
    });
  }
}
