/** Tells one row to stop. Its signal is made when something first asks for it: most handlers never do. */
export class LazyAbortController {
  private controller: AbortController | undefined;
  private stopped: { readonly reason: unknown } | undefined;

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.stopped) {
        this.controller.abort(this.stopped.reason);
      }
    }
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    this.stopped ??= { reason };
    this.controller?.abort(reason);
  }
}
