/**
 * Gathers what is asked within one turn of the event loop, and while an earlier call is under way, into
 * one call: many workers in a process then share a round trip to Redis. With `lingerMs` what is asked waits
 * that long for more, unless somebody hurries.
 */
export class MicroBatcher<Request, Answer> {
  private waiting: {
    request: Request;
    resolve: (answer: Answer) => void;
    reject: (error: unknown) => void;
  }[] = [];
  private calling = false;
  private flushing = false;
  private lingering: NodeJS.Timeout | undefined;

  /** @param call answers the requests in their order */
  constructor(
    private readonly call: (requests: readonly Request[]) => Promise<readonly Answer[]>,
    private readonly lingerMs = 0,
    private readonly most = 500,
  ) {}

  add(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      this.schedule();
    });
  }

  /** Somebody waits for the answers: what was asked goes out with this turn. */
  flush(): void {
    if (this.waiting.length > 0) {
      this.flushing = true;
      clearTimeout(this.lingering);
      this.lingering = undefined;
      this.schedule();
    }
  }

  private schedule(): void {
    if (this.calling || this.lingering) {
      return;
    }
    if (this.lingerMs > 0 && !this.flushing) {
      this.lingering = setTimeout(() => {
        this.lingering = undefined;
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
      this.flushing = false;
      const batch = this.waiting.splice(0, this.most);
      try {
        const answers = await this.call(batch.map(({ request }) => request));
        batch.forEach(({ resolve }, i) => resolve(answers[i] as Answer));
      } catch (error) {
        batch.forEach(({ reject }) => reject(error));
      }
    } while (this.waiting.length > 0 && (this.lingerMs === 0 || this.flushing));
    this.calling = false;
    if (this.waiting.length > 0) {
      this.schedule();
    }
  }
}
