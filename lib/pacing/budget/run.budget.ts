import { limitsRanges } from '../../config/backfill-budget.js';
import type { BudgetClaim } from '../../state/range-steps.js';
import type { CurrentBudget } from './current.budget.js';

/** Weight of the latest range in the average of the time that ranges take. */
const LATEST = 0.2;

/** What a range is expected to take before the first has ended. */
const UNKNOWN_RANGE_MS = 50;

const NONE_ENDED = { ranges: 0, chargedMs: 0, ms: 0 };

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
  /** What the ranges in process are expected to take. */
  private expectedMs = 0;
  /** Of ranges that have ended since the last claim: what the run was charged for them, and what they took. */
  private ended = NONE_ENDED;
  /** What the claim under way tells of them, and expects of the ranges that it is given. */
  private told = { ...NONE_ENDED, usualMs: UNKNOWN_RANGE_MS };

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

  /**
   * What a claim tells of the budget; `null` without one.
   *
   * @param waiting ranges for which this process waits for the budget beside those of the claim
   */
  claim(waiting = 0): BudgetClaim | null {
    this.told = { ...this.ended, usualMs: this.rangeMs > 0 ? this.rangeMs : UNKNOWN_RANGE_MS };
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
        rangeMs: toMicros(this.told.usualMs),
        ended: this.told.ranges,
        chargedMs: toMicros(this.told.chargedMs),
        endedMs: toMicros(this.told.ms),
        waiting,
      }),
    };
  }

  /**
   * A claim was answered, and so many ranges were claimed.
   *
   * @param hasAsked whether it asked for any: its answer then counts those that had ended before
   */
  acquire(ranges: number, hasAsked = true): void {
    this.held += ranges;
    this.expectedMs += ranges * this.told.usualMs;
    if (hasAsked) {
      const { ended, told } = this;
      // Others may have ended meanwhile.
      this.ended = {
        ranges: ended.ranges - told.ranges,
        chargedMs: ended.chargedMs - told.chargedMs,
        ms: ended.ms - told.ms,
      };
      this.told = { ...this.told, ...NONE_ENDED };
    }
  }

  /** A range has ended after so many ms, or was given back. */
  release(ms: number | null, ranges = 1): void {
    const chargedMs = this.held > 0 ? (this.expectedMs * ranges) / this.held : 0;
    this.held -= ranges;
    this.expectedMs = Math.max(0, this.expectedMs - chargedMs);
    const { ended } = this;
    this.ended = {
      ranges: ended.ranges + ranges,
      chargedMs: ended.chargedMs + chargedMs,
      ms: ended.ms + (ms ?? 0) * ranges,
    };
    if (ms !== null) {
      this.rangeMs = this.rangeMs === 0 ? ms : this.rangeMs + LATEST * (ms - this.rangeMs);
    }
  }
}

function toMicros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
