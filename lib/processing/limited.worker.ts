import type { Job, JobJson, Processor, Worker, WorkerOptions } from 'bullmq';
import { QueueWorker } from '../queues/queue.worker.js';

type WaitController = Parameters<Worker['delay']>[1];
type FetchJob<Data> = (token: string, name?: string) => Promise<Job<Data>>;
type ReadJob<Data> = (data?: JobJson, id?: string, token?: string) => Promise<Job<Data>>;

/** A wake-up may overtake the reply of Redis with the limit: for so long after one, the wait is no longer than this. */
const RECENT_MS = 500;

/** A BullMQ worker that waits for the end of the rate limit of its queue, and can be woken when the limit has changed. */
export class LimitedWorker<Data> extends QueueWorker<Data> {
  /** Of the wait that is under way, or of the last one. */
  private wait: WaitController;
  /** By `performance.now()`. */
  private wokenAt = -Infinity;
  /** By `performance.now()`: until then the queue has no job, as it has just given one. */
  private windowEnd = -Infinity;

  /** @param windowMs ms for which the queue gives no further job after one; 0 where it may */
  constructor(
    name: string,
    process: Processor<Data>,
    options: WorkerOptions,
    private readonly windowMs: () => number = () => 0,
  ) {
    super(name, process, options);
  }

  /** Has it look again whether the queue is limited, instead of at the end of the limit that it knows. */
  wake(): void {
    this.wokenAt = performance.now();
    this.windowEnd = -Infinity;
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

  /**
   * BullMQ asks for further jobs before it begins with the first. Where the queue gives one in a window, the answer is known.
   *
   * @param args those of BullMQ, which had one more before version 6
   */
  protected override async moveToActive(...args: Parameters<FetchJob<Data>>): ReturnType<FetchJob<Data>> {
    const leftMs = Math.ceil(this.windowEnd - performance.now());
    if (leftMs <= 0) {
      return super.moveToActive(...args);
    }
    this['updateDelays'](leftMs);
    return this.nextJobFromJobData();
  }

  /** BullMQ calls this for each answer to a fetch. */
  protected override async nextJobFromJobData(...args: Parameters<ReadJob<Data>>): ReturnType<ReadJob<Data>> {
    const job = await super.nextJobFromJobData(...args);
    // Its type leaves out that there may be none.
    if (args[0]) {
      this.windowEnd = performance.now() + this.windowMs();
    }
    return job;
  }
}
