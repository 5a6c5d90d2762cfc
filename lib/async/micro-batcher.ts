interface PendingRequest<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Combines the requests of one turn of the event loop, and those that arrive while a call is under way, into one
 * call: the workers of a process then share a round trip to Redis. With `lingerMs` requests wait that long for
 * more, until `flush`.
 */
export class MicroBatcher<Request, Answer> {
  private pending: PendingRequest<Request, Answer>[] = [];
  private calling = false;
  private flushing = false;
  private lingerTimer: NodeJS.Timeout | undefined;

  /**
   * @param call answers the requests in their order
   * @param lingerMs ms that a request waits for others; 0: only for those of the same turn
   * @param maxBatch requests in one call
   */
  constructor(
    private readonly call: (requests: readonly Request[]) => Promise<readonly Answer[]>,
    private readonly lingerMs = 0,
    private readonly maxBatch = 500,
  ) {}

  add(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.pending.push({ request, resolve, reject });
      this.schedule();
    });
  }

  /** Ends the linger: somebody waits for the answers. */
  flush(): void {
    if (this.pending.length > 0) {
      this.flushing = true;
      clearTimeout(this.lingerTimer);
      this.lingerTimer = undefined;
      this.schedule();
    }
  }

  private schedule(): void {
    if (this.calling || this.lingerTimer) {
      return;
    }
    if (this.lingerMs > 0 && !this.flushing) {
      this.lingerTimer = setTimeout(() => {
        this.lingerTimer = undefined;
        void this.drain();
      }, this.lingerMs);
      return;
    }
    this.calling = true;
    setImmediate(() => void this.drain());
  }

  private async drain(): Promise<void> {
    this.calling = true;
    do {
      const batch = this.pending.splice(0, this.maxBatch);
      this.flushing &&= this.pending.length > 0;
      try {
        const answers = await this.call(batch.map(({ request }) => request));
        batch.forEach(({ resolve }, i) => resolve(answers[i] as Answer));
      } catch (error) {
        batch.forEach(({ reject }) => reject(error));
      }
    } while (this.pending.length > 0 && (this.lingerMs === 0 || this.flushing));
    this.calling = false;
    if (this.pending.length > 0) {
      this.schedule();
    }
  }
}
