import { CallLimiters } from '../pacing/budget/call.limiters.js';
import { RunBudget } from '../pacing/budget/run.budget.js';
import type { RunWorkerDeps } from './run-worker.deps.js';
import type { ServedRun } from './served-run.js';

const RENEWAL_MS = 5_000;

/** What the worker of a run does about its part of the budget. */
export interface WorkerBudgetEvents {
  /** Tells Redis how much of the budget this process uses, which renews the leases of the permits. */
  readonly report: () => Promise<void>;
  /** Has those that wait for the budget ask again. */
  readonly wake: () => void;
}

type Deps = Pick<RunWorkerDeps, 'budget' | 'calls' | 'logger' | 'options' | 'processId'>;

/** The part of the budget that the worker of a run uses. Its timer runs only while a budget is used. */
export class WorkerBudget {
  readonly ranges: RunBudget;
  readonly calls: CallLimiters;
  private readonly ignoreChanges: () => void;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    run: Pick<ServedRun, 'backfill' | 'runId' | 'table'>,
    private readonly deps: Deps,
    private readonly events: WorkerBudgetEvents,
  ) {
    const { runId, table } = run;
    const weight = run.backfill.weight ?? 1;
    const leaseMs = deps.options.lockDuration;
    this.ranges = new RunBudget(
      { runId, processId: deps.processId, weight, table, leaseMs, context: run.backfill.contextName },
      deps.budget,
    );
    this.calls = new CallLimiters(
      (name) => {
        this.setTimer(true);
        return (request) => deps.calls.acquire(name, { runId, weight }, request);
      },
      (name, error) => {
        const scope = { backfill: run.backfill.name, runId };
        deps.logger.limit('quota', 'warn', scope, `calls to ${name}: ${String(error)}`);
      },
    );
    this.ignoreChanges = deps.budget.onChange(() => this.change());
    this.setTimer(this.isUsed);
  }

  close(): void {
    this.closed = true;
    this.setTimer(false);
    this.ignoreChanges();
  }

  /** Whether a budget limits the ranges, or the handler has named third parties. */
  private get isUsed(): boolean {
    return this.ranges.isLimited || this.calls.names.length > 0;
  }

  private change(): void {
    this.calls.reset();
    this.events.wake();
    this.setTimer(this.isUsed);
  }

  private setTimer(isNeeded: boolean): void {
    if (!isNeeded || this.closed) {
      clearInterval(this.timer);
      this.timer = undefined;
    } else {
      this.timer ??= setInterval(
        () => this.renew(),
        Math.min(this.deps.options.lockDuration / 3, RENEWAL_MS),
      ).unref();
    }
  }

  private renew(): void {
    this.calls.recheck();
    if (this.ranges.isHeld) {
      void this.events.report();
    }
  }
}
