/** The keys under which a run is put together for its recovery. */
export interface StagedKeys {
  readonly work: string;
  readonly failures: string;
  readonly order: string;
}

/**
 * The names of everything in Redis. One hash tag holds them all, so that scripts that touch several keys
 * work on a cluster; BullMQ's own keys share it.
 */
export class BackfillKeys {
  /** What stands before every key, also BullMQ's `prefix`. */
  readonly prefix: string;

  constructor(keyPrefix: string) {
    this.prefix = keyPrefix.includes('{') ? keyPrefix : `{${keyPrefix}}`;
  }

  get active(): string {
    return this.of('active');
  }

  get events(): string {
    return this.of('events');
  }

  /** Written to see whether Redis takes writes. */
  get probe(): string {
    return this.of('probe');
  }

  get tick(): string {
    return this.of('tick');
  }

  config(backfill: string): string {
    return this.of('config', backfill);
  }

  runs(backfill: string): string {
    return this.of('runs', backfill);
  }

  history(backfill: string): string {
    return this.of('history', backfill);
  }

  workers(backfill: string): string {
    return this.of('workers', backfill);
  }

  /** Calls to a third party; of all runs of a backfill, which share its quota. */
  quota(backfill: string): string {
    return this.of('quota', backfill);
  }

  /** What each process says of its own pressure. */
  pressure(backfill: string): string {
    return this.of('pressure', backfill);
  }

  /** What rows took lately, and the batch size that follows it. */
  timing(runId: string): string {
    return this.of('timing', runId);
  }

  /** How often each throttle failed. */
  throttleErrors(runId: string): string {
    return this.of('throttle-errors', runId);
  }

  idempotency(backfill: string, key: string): string {
    return this.of('once', backfill, key);
  }

  run(runId: string): string {
    return this.of('run', runId);
  }

  samples(runId: string): string {
    return this.of('samples', runId);
  }

  work(runId: string): string {
    return this.of('work', runId);
  }

  failures(runId: string): string {
    return this.of('failures', runId);
  }

  failureOrder(runId: string): string {
    return this.of('failure-order', runId);
  }

  /** Failures taken back as work that the ledger is still to be told of. */
  retried(runId: string): string {
    return this.of('retried', runId);
  }

  /** There while nothing that the ledger keeps is missing. */
  get ledgerSynced(): string {
    return this.of('ledger-whole');
  }

  /** How far the ledger has the history of each backfill; gone when Redis lost its data. */
  get ledgerPosition(): string {
    return this.of('ledger-position');
  }

  /** Held by the process that writes the ledger in this interval. */
  get ledgerLease(): string {
    return this.of('ledger-duty');
  }

  /** Where one process puts a lost run together for its recovery. */
  staged(runId: string, processId: string): StagedKeys {
    const key = (part: string) => this.of('staged', runId, processId, part);
    return { work: key('work'), failures: key('failures'), order: key('order') };
  }

  // A name of a backfill never begins with an underscore, so its queue never meets these keys.
  private of(...parts: string[]): string {
    return `${this.prefix}:_:${parts.join(':')}`;
  }
}
