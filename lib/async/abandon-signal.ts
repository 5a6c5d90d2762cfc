/**
 * Ends the wait for work that does not end. Unlike a race of all work against one promise, which keeps every result
 * alive for as long as that promise is pending, it holds no reference to work that has ended.
 */
export class AbandonSignal {
  private readonly listeners = new Set<() => void>();
  private abandoned = false;

  /** Abandons all work under way, and all that is raced later. */
  abandon(): void {
    this.abandoned = true;
    this.listeners.forEach((listener) => listener());
  }

  /** Settles as the work does, or resolves to `abandoned`. */
  race<T>(work: Promise<T>): Promise<T | 'abandoned'> {
    return new Promise((resolve, reject) => {
      // Work that has settled by now comes first.
      const listener = () => queueMicrotask(() => resolve('abandoned'));
      const onSettled = (settle: (value: T) => void) => (value: T) => {
        this.listeners.delete(listener);
        settle(value);
      };
      this.listeners.add(listener);
      work.then(onSettled(resolve), onSettled(reject));
      if (this.abandoned) {
        listener();
      }
    });
  }
}
