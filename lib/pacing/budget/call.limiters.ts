import { QuotaLimiter } from '../quota.limiter.js';
import type { RequestCalls } from '../quota.limiter.js';

/** Limits the calls of a run in this process to what `callsPerSecond` of the budget grants, by the name of the third party. */
export class CallLimiters {
  private readonly limiters = new Map<string, QuotaLimiter>();

  constructor(
    private readonly requestCalls: (name: string) => RequestCalls,
    private readonly onError: (name: string, error: unknown) => void,
  ) {}

  /** Those that the run has asked for calls to. */
  get names(): readonly string[] {
    return [...this.limiters.keys()];
  }

  of(name: string): QuotaLimiter {
    const existing = this.limiters.get(name);
    if (existing) {
      return existing;
    }
    const limiter = new QuotaLimiter(this.requestCalls(name), (error) => this.onError(name, error));
    this.limiters.set(name, limiter);
    return limiter;
  }

  /** Discards what was granted: the budget is another. */
  reset(): void {
    this.limiters.forEach((limiter) => limiter.reset());
  }

  /** The limit of a third party that had none may be lowered by another backfill. */
  recheck(): void {
    this.limiters.forEach((limiter) => limiter.recheck());
  }
}
