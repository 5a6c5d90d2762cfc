/**
 * Lets go of work that does not end. It keeps nothing of work that has ended, which a race against one promise
 * for all would, for as long as that promise is open.
 */
export class AbandonSignal {
  private readonly waiting = new Set<() => void>();
  private over = false;

  /** Lets go of all work there is, and of what comes later. */
  abandon(): void {
    this.over = true;
    this.waiting.forEach((letGo) => letGo());
  }

  /** Settles as the work does, or with `abandoned` once it is let go of. */
  async race<T>(work: Promise<T>): Promise<T | 'abandoned'> {
    let letGo: () => void = () => undefined;
    const abandoned = new Promise<'abandoned'>((resolve) => {
      letGo = () => resolve('abandoned');
    });
    this.waiting.add(letGo);
    if (this.over) {
      letGo();
    }
    try {
      return await Promise.race([work, abandoned]);
    } finally {
      this.waiting.delete(letGo);
    }
  }
}
