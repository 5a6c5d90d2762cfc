import { isHiddenRun } from './hidden-run-id.js';

/** Keys under which a process stages a lost run before it is recovered. */
export interface StagedKeys {
  readonly work: string;
  readonly failures: string;
  readonly order: string;
}

/**
 * The names of all keys in Redis. They share one hash tag, also with the keys of BullMQ, so that in a cluster they are
 * in one slot and a script can use several of them.
 */
export class BackfillKeys {
  /** Precedes every key; also the `prefix` of BullMQ. */
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

  /** Written to check whether Redis accepts writes. */
  get probe(): string {
    return this.of('probe');
  }

  /** Prefix of the leases of the watchdogs, which the name of a backfill follows. */
  get leases(): string {
    return this.of('lease:');
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

  /** Calls to a third party: all runs of a backfill share its quota. */
  quota(backfill: string): string {
    return this.of('quota', backfill);
  }

  /** What operators have set of the budget of a context. */
  budget(context: string): string {
    return this.of('budget', context);
  }

  /** Turns and pacing of all runs of a context; `budget.lua` describes the keys of a budget. */
  budgetQueue(context: string): string {
    return this.of('budget-queue', context);
  }

  /** Ranges in process, and the leases of the processes that hold them. */
  budgetPermits(context: string): readonly [permits: string, leases: string] {
    return [this.of('budget-permits', context), this.of('budget-leases', context)];
  }

  /** Runs that work on a table, and those that wait for it. */
  budgetTable(context: string, table: string): readonly [runs: string, waiting: string] {
    return [this.of('budget-table', context, table), this.of('budget-table-waiting', context, table)];
  }

  /** Calls to a third party that all backfills of a context share: their rate, and the turns of the runs. */
  budgetCalls(context: string, name: string): readonly [quota: string, queue: string] {
    return [this.of('budget-calls', context, name), this.of('budget-calls-queue', context, name)];
  }

  /** Pressure that each throttle has reported last, of each process where it is one of the process. */
  pressure(backfill: string): string {
    return this.of('pressure', backfill);
  }

  /** Lease of the process that measures the throttles of a backfill that concern all processes. */
  throttleLease(backfill: string): string {
    return this.of('throttle-lease', backfill);
  }

  /** What the last rehearsal has measured. */
  measurement(backfill: string): string {
    return this.of('measurement', backfill);
  }

  /** How many batches of a run held the locks of their rows, and for how many that took long. */
  heldBatches(runId: string): string {
    return this.of('held-batches', runId);
  }

  /** Measured times of rows, and the batch size that was chosen from them. */
  timing(runId: string): string {
    return this.of('timing', runId);
  }

  /** What each process has measured of its work on a run. */
  load(runId: string): string {
    return this.of('load', runId);
  }

  /** Lease of the process that decides on the concurrency of a run. */
  loadLease(runId: string): string {
    return this.of('load-lease', runId);
  }

  /** What each process says of its work on a run. */
  workReports(runId: string): string {
    return this.of('work-reports', runId);
  }

  /** How many times each throttle failed. */
  throttleErrors(runId: string): string {
    return this.of('throttle-errors', runId);
  }

  /** Overrides of the throttles of a backfill. */
  overrides(backfill: string): string {
    return this.of('overrides', backfill);
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

  /** Samples of a run, thinned out: of the last hour, of the last day, of all of it. */
  sampleLevels(runId: string): readonly [hour: string, day: string, run: string] {
    return [this.of('samples-hour', runId), this.of('samples-day', runId), this.of('samples-run', runId)];
  }

  /** The outstanding ranges of a run. */
  work(runId: string): string {
    return this.of(isHiddenRun(runId) ? 'undo-work' : 'work', runId);
  }

  /** Prefixes of the outstanding ranges, which a run id follows: of runs that are not hidden, and of those that are. */
  get workPrefixes(): readonly [plain: string, hidden: string] {
    return [this.of('work', ''), this.of('undo-work', '')];
  }

  failures(runId: string): string {
    return this.of('failures', runId);
  }

  failureOrder(runId: string): string {
    return this.of('failure-order', runId);
  }

  /** Rows of the walk that the verification of a run reads again. */
  sample(runId: string): string {
    return this.of('sample', runId);
  }

  /** Retried failures that the ledger still has as failures. */
  retried(runId: string): string {
    return this.of('retried', runId);
  }

  /** Exists while Redis has all runs of the ledger; Redis loses it with its data. */
  get ledgerSynced(): string {
    return this.of('ledger-whole');
  }

  /** Position up to which the ledger has the history of each backfill. */
  get ledgerPosition(): string {
    return this.of('ledger-position');
  }

  /** Lease of the process that writes the ledger in this interval. */
  get ledgerLease(): string {
    return this.of('ledger-duty');
  }

  /** Hash of the hold of all runs, see prelude.lua. */
  get globalHold(): string {
    return this.of('hold');
  }

  /** Lease of the process that removes old journals. */
  get journalLease(): string {
    return this.of('journal-lease');
  }

  /** Lease of the process that exports the metrics of a backfill for all processes together. */
  metricsLease(backfill: string): string {
    return this.of('metrics-lease', backfill);
  }

  /** Keys under which this process stages a lost run before it is recovered. */
  staged(runId: string, processId: string): StagedKeys {
    const key = (part: string) => this.of('staged', runId, processId, part);
    return { work: key('work'), failures: key('failures'), order: key('order') };
  }

  // The name of a backfill never begins with an underscore, so the keys of its queue never collide with these.
  private of(...parts: string[]): string {
    return `${this.prefix}:_:${parts.join(':')}`;
  }
}
