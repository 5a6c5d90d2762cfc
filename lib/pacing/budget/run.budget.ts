import { limitsRanges } from '../../config/backfill-budget.js';
import type { BudgetClaim } from '../../state/range-steps.js';
import type { CurrentBudget } from './current.budget.js';

/** Weight of the latest range in the average of the time that ranges take. */
const LATEST = 0.2;

/** The run and the process whose part of the budget it is. */
export interface BudgetMember {
  readonly runId: string;
  readonly processId: string;
  readonly weight: number;
  /** Empty where it is not known. */
  readonly table: string;
  /** Ms after which the permits of a process that died are free. */
  readonly leaseMs: number;
  /** Context whose database the run uses. Default: that of the module. */
  readonly context?: string | undefined;
}

/** What this process uses of the budget for one run. It counts also where there is no budget: one may be set meanwhile. */
export class RunBudget {
  private held = 0;
  private rangeMs = 0;

  constructor(
    private readonly member: BudgetMember,
    private readonly current: Pick<CurrentBudget, 'limits' | 'context'>,
  ) {}

  /** Whether a budget limits the ranges. */
  get isLimited(): boolean {
    return limitsRanges(this.current.limits);
  }

  /** Whether any range is in process. */
  get isHeld(): boolean {
    return this.held > 0;
  }

  /** What a claim tells of the budget; `null` without one. */
  claim(): BudgetClaim | null {
    if (!this.isLimited) {
      return null;
    }
    const { runId, processId, weight, table, leaseMs, context = this.current.context } = this.member;
    const { concurrency, rangesPerSecond, rowsPerSecond, perTable } = this.current.limits;
    return {
      context,
      table,
      text: JSON.stringify({
        concurrency: concurrency ?? 0,
        rangesPerSecond: rangesPerSecond ?? 0,
        rowsPerSecond: rowsPerSecond ?? 0,
        perTable: perTable ?? 0,
        context,
        run: runId,
        process: processId,
        weight,
        table,
        lease: leaseMs,
        held: this.held,
        rangeMs: Math.round(this.rangeMs * 1000) / 1000,
      }),
    };
  }

  /** So many ranges were claimed. */
  acquire(ranges: number): void {
    this.held += ranges;
  }

  /** A range has ended after so many ms, or was given back. */
  release(ms: number | null, ranges = 1): void {
    this.held -= ranges;
    if (ms !== null) {
      this.rangeMs = this.rangeMs === 0 ? ms : this.rangeMs + LATEST * (ms - this.rangeMs);
    }
  }
}
