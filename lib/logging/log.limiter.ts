const WINDOW_MS = 10_000;

/** Writes a line; `count`: how many it stands for, 0 where it is the first of its kind. */
type Write = (count: number) => void;

interface Window {
  count: number;
  last: Write | null;
  timer: NodeJS.Timeout;
}

/**
 * Writes the first line of a kind at once, and those that follow within ten seconds as one at the end of these, as long as
 * they go on: the last of them, with their number.
 */
export class LogLimiter {
  private readonly windows = new Map<string, Window>();

  add(kind: string, write: Write): void {
    const window = this.windows.get(kind);
    if (window) {
      window.count++;
      window.last = write;
      return;
    }
    this.windows.set(kind, { count: 0, last: null, timer: this.closeLater(kind) });
    write(0);
  }

  /** Writes what is held back. */
  flush(): void {
    for (const [kind, { timer }] of this.windows) {
      clearTimeout(timer);
      this.close(kind, false);
    }
  }

  private close(kind: string, goesOn: boolean): void {
    const window = this.windows.get(kind);
    this.windows.delete(kind);
    if (!window?.last) {
      return;
    }
    if (goesOn) {
      this.windows.set(kind, { count: 0, last: null, timer: this.closeLater(kind) });
    }
    window.last(window.count);
  }

  private closeLater(kind: string): NodeJS.Timeout {
    // No reason to keep a process alive: `flush` is called when the app closes.
    return setTimeout(() => this.close(kind, true), WINDOW_MS).unref();
  }
}
