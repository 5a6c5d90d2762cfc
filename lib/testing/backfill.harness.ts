import { deepStrictEqual } from 'node:assert/strict';
import type { EntityManager } from '@mikro-orm/core';
import { resolveConfig } from '../config/backfill-config.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { RangeExecutor } from '../processing/range.executor.js';
import type { Outcome } from '../processing/range.executor.js';
import type { BackfillFailure } from '../state/backfill-status.js';
import { CrashPlan, SimulatedCrash } from './crash.js';
import { describeHandler } from './harness-backfill.js';
import type { HarnessOptions, HarnessResult, HarnessRunOptions } from './harness-options.js';
import { entryOf } from './harness-work.js';
import type { HarnessWork } from './harness-work.js';
import { HarnessPlanner } from './harness.planner.js';
import { HarnessSettler } from './harness.settler.js';

const MOST_CHECKPOINTS = 10_000;

/**
 * Runs a handler over an `EntityManager` as the workers would: planned by its source, retried, halved and
 * quarantined, but in this process, at once and without Redis.
 *
 * @example
 * ```ts
 * const harness = new BackfillHarness(new ReencryptMessages(cipher), { em: orm.em });
 * const { rowsDone, failures } = await harness.runAll();
 * ```
 *
 * @publicApi
 */
export class BackfillHarness {
  private readonly backfill: RegisteredBackfill;
  private readonly config: BackfillConfig;
  private plan = new CrashPlan(null);
  /** What a killed run left unacknowledged. */
  private left: HarnessWork[] = [];
  private pending = false;
  private readonly planner: HarnessPlanner;
  private readonly settler: HarnessSettler;

  /** @param handler an instance of a class with `@Backfill`, made by hand or taken from a testing module */
  constructor(
    handler: object,
    private readonly options: HarnessOptions,
  ) {
    this.backfill = describeHandler(handler, () => this.plan);
    const patch = parseConfigPatch(options.config ?? {}, { backfill: this.backfill.name, origin: 'options' });
    this.config = resolveConfig(...this.backfill.defaults, patch);
    const fork = () => this.fork();
    this.planner = new HarnessPlanner(this.backfill, this.config.batchSize, fork);
    this.settler = new HarnessSettler(this.backfill, this.config, fork);
  }

  /** Runs to the end. After `crashAfter` it goes on with what the killed run had not acknowledged. */
  async runAll(options: HarnessRunOptions = {}): Promise<HarnessResult> {
    return this.run(null, options);
  }

  /**
   * Runs the first range only, of `batchSize` rows or up to `to`, and throws what the handler throws.
   */
  async runRange(options: HarnessRunOptions = {}): Promise<void> {
    this.plan = new CrashPlan(null);
    const [work] = await this.planner.plan(options, 1);
    const outcome = work && (await this.execute(work, options.dryRun === true));
    const error =
      outcome?.kind === 'failed' ? outcome.error : outcome?.kind === 'partial' && outcome.failed[0]?.error;
    if (error) {
      throw error;
    }
  }

  /**
   * Kills the run after so many checkpoints, as SIGKILL would: nothing after it happens, and the range at
   * hand is not acknowledged. Checkpoints are the writes of `context.em`, rows that were handled, and ranges
   * that were handled and not yet acknowledged. `completed` when there are not that many.
   */
  async crashAfter(checkpoints: number, options: HarnessRunOptions = {}): Promise<HarnessResult> {
    return this.run(checkpoints, options);
  }

  /**
   * Proves that a kill does no harm: runs once, then for each checkpoint kills a run there and runs again;
   * what is left in the database has to be the same each time.
   *
   * @param reset brings the tables back to where they were
   * @param snapshot reads what matters, comparable by `deepStrictEqual`
   * @returns how many checkpoints were tried
   */
  async expectIdempotent(reset: () => Promise<void>, snapshot: () => Promise<unknown>): Promise<number> {
    await reset();
    await this.runAll();
    const expected = await snapshot();
    for (let at = 1; at <= MOST_CHECKPOINTS; at++) {
      await reset();
      const { state } = await this.crashAfter(at);
      if (state !== 'crashed') {
        return at - 1;
      }
      await this.runAll();
      deepStrictEqual(
        await snapshot(),
        expected,
        `A kill after checkpoint ${at} and a second run leave something else than one run does.`,
      );
    }
    throw new RangeError(`Expected at most ${MOST_CHECKPOINTS} checkpoints, got more. Use fewer rows.`);
  }

  private async run(crashAt: number | null, options: HarnessRunOptions): Promise<HarnessResult> {
    this.plan = new CrashPlan(crashAt);
    const queue = this.pending ? this.left : await this.planner.plan(options, Infinity);
    const counts = { handled: 0, rowsDone: 0 };
    const failures: BackfillFailure[] = [];
    this.pending = false;
    for (let work = queue[0]; work !== undefined; work = queue[0]) {
      counts.handled++;
      const outcome = await this.execute(work, options.dryRun === true);
      if (this.plan.crashed) {
        this.left = queue;
        this.pending = true;
        return { state: 'crashed', ...counts, failures, checkpoints: this.plan.checkpoints };
      }
      queue.shift();
      const settled = await this.settler.settle(work, outcome);
      counts.rowsDone += settled.rowsDone;
      queue.push(...settled.successors);
      failures.push(...settled.failures);
    }
    const state = failures.length > 0 ? 'failed' : 'completed';
    return { state, ...counts, failures, checkpoints: this.plan.checkpoints };
  }

  private async execute(work: HarnessWork, dryRun: boolean): Promise<Outcome> {
    const executor = new RangeExecutor({ fork: () => this.plan.watch(this.fork()) });
    const outcome = await executor.execute({
      backfill: this.backfill,
      runId: 'harness',
      dryRun,
      entry: entryOf(work),
      rowConcurrency: () => this.config.rowConcurrency,
      signal: new AbortController().signal,
    });
    if (outcome.kind === 'done') {
      try {
        this.plan.checkpoint();
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) {
          throw error;
        }
      }
    }
    return outcome;
  }

  private fork(): EntityManager {
    return this.options.em.fork({ clear: true, disableContextResolution: true });
  }
}
