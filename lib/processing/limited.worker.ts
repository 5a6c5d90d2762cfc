import type { Worker } from 'bullmq';
import { QueueWorker } from '../queues/queue.worker.js';

type WaitController = Parameters<Worker['delay']>[1];

/** A wake-up may overtake the reply of Redis with the limit: for so long after one, the wait is no longer than this. */
const RECENT_MS = 500;

/** A BullMQ worker that waits for the end of the rate limit of its queue, and can be woken when the limit has changed. */
export class LimitedWorker<Data> extends QueueWorker<Data> {
  /** Of the wait that is under way, or of the last one. */
  private wait: WaitController;
  /** By `performance.now()`. */
  private wokenAt = -Infinity;

  /** Has it look again whether the queue is limited, instead of at the end of the limit that it knows. */
  wake(): void {
    this.wokenAt = performance.now();
    this.wait?.abort();
  }

  /** BullMQ waits here for the end of the limit, with a controller, and before it repeats a command that failed. */
  override async delay(ms?: number, controller?: WaitController): Promise<void> {
    if (ms === undefined || !controller) {
      return super.delay(ms, controller);
    }
    this.wait = controller;
    if (this.closing) {
      // `close` has ended the wait before this one, which began for a reply that came after it.
      return;
    }
    const isRecent = performance.now() - this.wokenAt < RECENT_MS;
    await super.delay(isRecent ? Math.min(ms, RECENT_MS) : ms, controller);
  }
}
