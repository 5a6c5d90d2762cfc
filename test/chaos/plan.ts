/** What a child process of the chaos suite is told, in the variable `CHAOS`. */
export interface ChildPlan {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly keyPrefix: string;
  readonly workers: boolean;
  readonly lockDuration: number;
  readonly shutdownTimeout: number;
  readonly ledger: boolean;
  /** Whether batches are journaled. */
  readonly undo: boolean;
  /** Ms that a handler takes. */
  readonly handlerMs: number;
  /** Backfills `touch-0` to `touch-<n-1>` beside the three that are always there. */
  readonly copies: number;
  /** Whether claims under a budget are recorded in Redis. */
  readonly recordsClaims: boolean;
  /** Where the process dies, and at which passing of that point. */
  readonly fault: { readonly point: string; readonly nth: number } | null;
  /** Handlers that do not listen to their signal. */
  readonly ignoresSignal: boolean;
  /** Handlers that the code no longer has. */
  readonly removed: readonly string[];
  readonly version: string | null;
  readonly onOtherVersion: 'hold' | 'warn';
  /** Ms by which this process's clock is off, and ms after its start at which that begins. */
  readonly clock: { readonly skewMs: number; readonly afterMs: number } | null;
}

/** A lock that others notice soon when its process is gone; one that only waits for the machine may lose it. */
export const BRIEF_LOCK_MS = 1_500;

export const DEFAULT_PLAN: Omit<ChildPlan, 'databaseUrl' | 'redisUrl' | 'keyPrefix'> = {
  workers: true,
  lockDuration: 30_000,
  shutdownTimeout: 2_000,
  ledger: false,
  undo: false,
  handlerMs: 5,
  copies: 0,
  recordsClaims: false,
  fault: null,
  ignoresSignal: false,
  removed: [],
  version: null,
  onOtherVersion: 'warn',
  clock: null,
};
