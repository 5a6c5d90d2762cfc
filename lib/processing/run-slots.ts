import { sleep } from '../async/sleep.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { ConcurrencyController } from '../pacing/concurrency/concurrency.controller.js';
import { LoadMeter } from '../pacing/concurrency/load.meter.js';
import { SlotRests } from '../pacing/concurrency/slot-rests.js';
import { fixedSlots, shareSlots, slotBounds } from '../pacing/concurrency/slots.js';
import type { SlotUse } from '../pacing/concurrency/slots.js';
import type { ServedRun } from './served-run.js';

/** How often this process reports its load and learns of another concurrency. */
const EVERY_MS = 250;
/** A rest that is under way sees a change of the concurrency after this. */
const REST_STEP_MS = 250;

/** How many ranges and rows of a run this process works on at once: as configured, or as the controller finds it. */
export class RunSlots {
  private use: SlotUse;
  /** `null` while the concurrency is fixed: nothing is then measured. */
  private meter: LoadMeter | null = null;
  private value: number | null = null;
  private timer: NodeJS.Timeout | undefined;
  private stepping: Promise<void> | undefined;
  private readonly rests = new SlotRests();
  private readonly closed = new AbortController();

  /** @param changed called when another number of ranges or rows is to be worked on at once */
  constructor(
    private readonly run: ServedRun,
    private readonly config: () => BackfillConfig,
    private readonly controller: ConcurrencyController,
    private readonly changed: () => void,
    private readonly failed: (error: Error) => void,
  ) {
    this.use = this.useNow();
    this.reconfigure();
  }

  /** Ranges at once. */
  get ranges(): number {
    return this.use.ranges;
  }

  /** Rows of each range at once; 1 where the handler is given no rows. */
  get rows(): number {
    return this.use.rows;
  }

  /** Measures the work; `null` where nothing is to be measured. */
  get load(): LoadMeter | null {
    return this.meter;
  }

  /** Applies a changed config. */
  reconfigure(): void {
    const isAdaptive = slotBounds(this.config(), this.run.backfill.shape) !== null;
    if (isAdaptive && !this.closed.signal.aborted) {
      this.meter ??= new LoadMeter();
      this.timer ??= setInterval(() => void this.step(), EVERY_MS);
      void this.step();
    } else {
      clearInterval(this.timer);
      this.timer = undefined;
      this.meter = null;
      this.value = null;
    }
    this.use = this.useNow();
  }

  /** Rests after work that took so long, where slots are used for only a part of the time; `undefined`: it does not. */
  rest(workedMs: number): Promise<void> | undefined {
    const owedMs = this.rests.begin(workedMs, this.use);
    return owedMs === null ? undefined : this.restFor(owedMs);
  }

  /** Ends all rests. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    this.closed.abort();
    await this.stepping;
  }

  private async restFor(owedMs: number): Promise<void> {
    const from = performance.now();
    try {
      await this.sleepFor(owedMs);
    } finally {
      this.rests.end(owedMs, performance.now() - from, this.use);
    }
  }

  private async sleepFor(workedMs: number): Promise<void> {
    const { signal } = this.closed;
    const from = performance.now();
    for (;;) {
      const left = workedMs * this.use.rest - (performance.now() - from);
      if (left < 1 || signal.aborted) {
        return;
      }
      await sleep(Math.min(left, REST_STEP_MS), signal);
    }
  }

  private async step(): Promise<void> {
    this.stepping ??= this.report().finally(() => {
      this.stepping = undefined;
    });
    await this.stepping;
  }

  /** Never rejects: without Redis the concurrency stays as it is. */
  private async report(): Promise<void> {
    const { backfill, runId } = this.run;
    const bounds = slotBounds(this.config(), backfill.shape);
    if (!bounds || !this.meter) {
      return;
    }
    try {
      const unit = backfill.shape === 'row' ? 'rows' : 'ranges';
      const run = { backfill: backfill.name, runId, unit } as const;
      this.value = await this.controller.step(run, bounds, this.meter.read());
    } catch (error) {
      this.failed(error as Error);
    }
    const before = this.use;
    this.use = this.useNow();
    if (this.use.ranges !== before.ranges || this.use.rows !== before.rows) {
      this.changed();
    }
  }

  private useNow(): SlotUse {
    const config = this.config();
    const { shape } = this.run.backfill;
    const bounds = slotBounds(config, shape);
    return bounds ? shareSlots(this.value ?? bounds.min, config, shape) : fixedSlots(config, shape);
  }
}
