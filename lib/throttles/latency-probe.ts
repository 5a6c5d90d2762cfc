import { TimeWindow } from './time-window.js';

const WINDOW_MS = 5_000;
const QUANTILE = 0.95;
/** With a smaller baseline, noise would count as pressure. */
const MIN_BASELINE_MS = 1;
/** Ranges in flight end within this: what is measured meanwhile is no baseline. */
const SETTLE_MS = 300;
/** A baseline is known after so many probes, or where they are slow, after so many ms. */
const BASELINE_PROBES = 5;
const BASELINE_MS = 2_000;
/** The baseline is the lowest smoothed quantile: the lowest of many noisy ones would be below that of a quiet database. */
const BASELINE_SMOOTHING_MS = 5_000;
/** Exponential smoothing, faster up than down, so that the pressure settles instead of oscillating. */
const RISE_HALF_MS = 250;
const FALL_PER_S = 0.1;
const NEGLIGIBLE = 0.02;
/** Probes may be ahead of their share of time by this, so that a single slow one leaves no gap in the window. */
const BURST_MS = WINDOW_MS / 2;
/** A timer that is early by less than the rest of its interval still runs the probe. */
const PUNCTUALITY = 0.8;

/** Thresholds and bounds of a probe. */
export interface LatencyProbeOptions {
  readonly from: number;
  readonly to: number;
  /** Share of time for which the probe may run. */
  readonly maxLoad: number;
  /** Ms between the starts of two probes, at least. */
  readonly everyMs: number;
  readonly baselineMs: number | undefined;
}

/** The latency of a probe as a multiple of its baseline, smoothed, from the times of its runs. Has no clock of its own. */
export class LatencyProbe {
  private readonly window = new TimeWindow(WINDOW_MS);
  private lowest = Infinity;
  private smoothed: number | undefined;
  private learnedAt = -Infinity;
  private firstAt: number | undefined;
  private nextAt = -Infinity;
  /** GCRA: the time from which on the probes so far are within their share of time. */
  private tat = -Infinity;
  private busyUntil = -Infinity;
  /** Between `from` and `to`. */
  private level: number;
  private leveledAt: number | undefined;

  constructor(private readonly options: LatencyProbeOptions) {
    this.level = options.from;
  }

  /** Whether the next probe may run: it must not keep a connection busy for more than its share of time, whoever asks. */
  isDue(now: number): boolean {
    return now >= this.nextAt && now >= this.tat - BURST_MS;
  }

  /** Adds a run of the probe, in ms of a clock that does not go back. */
  add(startedAt: number, endedAt: number): void {
    this.firstAt ??= startedAt;
    this.leveledAt ??= startedAt;
    this.spend(startedAt, endedAt);
    if (this.options.baselineMs !== undefined || startedAt - this.firstAt >= SETTLE_MS) {
      this.window.add(endedAt - startedAt, endedAt);
    }
  }

  /** Counts the time of a run towards the share of time; that of one which failed says nothing about the latency. */
  spend(startedAt: number, endedAt: number): void {
    this.nextAt = startedAt + this.options.everyMs * PUNCTUALITY;
    // A probe that does not end is added again and again.
    const busyFrom = Math.max(startedAt, this.busyUntil);
    this.tat = Math.max(this.tat, busyFrom) + Math.max(0, endedAt - busyFrom) / this.options.maxLoad;
    this.busyUntil = Math.max(this.busyUntil, endedAt);
  }

  /** The multiple at this time, from `from` to `to`: `to` while no baseline is known. */
  multiple(now: number): number {
    const { from, to } = this.options;
    this.window.expire(now);
    this.learn(now);
    if (this.baseline === undefined) {
      return to;
    }
    const target = Math.min(to, Math.max(from, this.measured(this.baseline)));
    const elapsed = now - (this.leveledAt ?? now);
    this.leveledAt = now;
    const rises = target > this.level;
    const share = rises ? 1 - 0.5 ** (elapsed / RISE_HALF_MS) : 1 - (1 - FALL_PER_S) ** (elapsed / 1_000);
    this.level += (target - this.level) * share;
    if (!rises && this.level - from < NEGLIGIBLE * (to - from)) {
      this.level = from;
    }
    return this.level;
  }

  /** Whether a baseline is known. */
  get isKnown(): boolean {
    return this.baseline !== undefined;
  }

  /** What was measured, in words. */
  describe(): string {
    if (this.baseline === undefined) {
      return 'a probe latency that is not known yet';
    }
    const multiple = this.measured(this.baseline).toFixed(1);
    return `probe takes ${this.latency.toFixed(1)} ms (p95), ${multiple} times its baseline`;
  }

  private get latency(): number {
    return this.window.quantile(QUANTILE);
  }

  private get baseline(): number | undefined {
    const baseline = this.options.baselineMs ?? this.lowest;
    return baseline === Infinity ? undefined : Math.max(MIN_BASELINE_MS, baseline);
  }

  private measured(baseline: number): number {
    return this.latency / baseline;
  }

  private learn(now: number): void {
    const isLate = now - (this.firstAt ?? now) >= BASELINE_MS && this.window.size > 0;
    if (this.window.size >= BASELINE_PROBES || isLate) {
      const { latency, smoothed = latency } = this;
      const weight = 1 - Math.exp((this.learnedAt - now) / BASELINE_SMOOTHING_MS);
      this.smoothed = smoothed + weight * (latency - smoothed);
      this.learnedAt = now;
      this.lowest = Math.min(this.lowest, this.smoothed);
    }
  }
}
