/** The longest delay of a timer of Node. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Has ranges that are tried again processed when they are due. BullMQ puts a job whose delay is over behind all that are
 * waiting, which is everything that is planned.
 */
export class DueRetries {
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly moving = new Set<Promise<void>>();

  /** @param moveToFront moves the job with this suffix to the front of its queue */
  constructor(
    private readonly moveToFront: (job: string) => Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Moves a job to the front of its queue once its delay is over. */
  schedule(job: string, delayMs: number): void {
    if (delayMs > MAX_TIMER_MS) {
      return;
    }
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.move(job);
    }, delayMs);
    this.timers.add(timer);
  }

  /** Moves no further job. Those that are scheduled keep their delay, and are processed after what is waiting. */
  async close(): Promise<void> {
    this.timers.forEach((timer) => clearTimeout(timer));
    this.timers.clear();
    await Promise.all(this.moving);
  }

  private move(job: string): void {
    const moved: Promise<void> = this.moveToFront(job)
      .catch(this.onError)
      .finally(() => this.moving.delete(moved));
    this.moving.add(moved);
  }
}
