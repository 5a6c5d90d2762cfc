/**
 * Gathers what is asked within one turn of the event loop, and while an earlier call is under way, into
 * one call: many workers in a process then share a round trip to Redis.
 */
export class TurnBatcher<Request, Answer> {
  private waiting: {
    request: Request;
    resolve: (answer: Answer) => void;
    reject: (error: unknown) => void;
  }[] = [];
  private calling = false;

  /** @param call answers the requests in their order */
  constructor(
    private readonly call: (requests: readonly Request[]) => Promise<readonly Answer[]>,
    private readonly most = 500,
  ) {}

  ask(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      if (!this.calling) {
        this.calling = true;
        setImmediate(() => void this.drain());
      }
    });
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.most);
      try {
        const answers = await this.call(batch.map(({ request }) => request));
        batch.forEach(({ resolve }, i) => resolve(answers[i] as Answer));
      } catch (error) {
        batch.forEach(({ reject }) => reject(error));
      }
    }
    this.calling = false;
  }
}
