/** An `AbortController` for one row. Its signal is created on first use: most handlers never use it. */
export class LazyAbortController {
  private controller: AbortController | undefined;
  private aborted: { readonly reason: unknown } | undefined;

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.aborted) {
        this.controller.abort(this.aborted.reason);
      }
    }
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    this.aborted ??= { reason };
    this.controller?.abort(reason);
  }
}
