import { deepStrictEqual } from 'node:assert/strict';
import type { EntityManager } from '@mikro-orm/core';
import { resolveConfig } from '../config/backfill-config.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { UNLIMITED_ROWS } from '../processing/execution.js';
import type { Outcome } from '../processing/execution.js';
import { RangeExecutor } from '../processing/range.executor.js';
import type { BackfillFailure } from '../state/backfill-failure.js';
import { CrashInjector, SimulatedCrash } from './crash.injector.js';
import { describeHandler } from './describe-handler.js';
import { entryOfRows, toClaimedEntry } from './harness-entry.js';
import type { HarnessEntry } from './harness-entry.js';
import type { HarnessOptions, HarnessResult, HarnessRunOptions } from './harness-options.js';
import { HarnessPlanner } from './harness.planner.js';
import { HarnessSettler } from './harness.settler.js';
import { lockedBy, LockWait } from './lock-wait.js';

const MAX_CHECKPOINTS = 10_000;

/**
 * Runs a backfill handler in a test as the workers run it: ranges are planned by its source, retried, split
 * and quarantined. It runs in the process of the test, one range at a time, without Redis, and waits for nothing but
 * rows that another transaction has locked: up to three seconds.
 *
 * Checkpoints are the points at which a killed process leaves a different state behind: after each write
 * through `context.em`, after each completed call of the handler, and after each range that is processed and
 * not yet acknowledged. `crashAfter` and `expectIdempotent` simulate a kill at them.
 *
 * @example
 * ```ts
 * const harness = new BackfillHarness(new ReencryptMessages(cipher), { em: orm.em });
 *
 * const { state, rowsDone, failures } = await harness.runAll();
 *
 * expect(failures).toEqual([]);
 * expect({ state, rowsDone }).toEqual({ state: 'completed', rowsDone: 100 });
 * ```
 *
 * @publicApi
 */
export class BackfillHarness {
  private readonly backfill: RegisteredBackfill;
  private readonly config: BackfillConfig;
  private injector = new CrashInjector(null);
  /** What a crashed run left outstanding, for the next run; `null` when the last run ended. */
  private outstanding: HarnessEntry[] | null = null;
  private readonly planner: HarnessPlanner;
  private readonly settler: HarnessSettler;

  /**
   * @param handler an instance of a class with `@Backfill`, constructed in the test or taken from a testing module
   * @throws BackfillDefinitionError when the class has no `@Backfill`, not exactly one handler method, or an
   *   invalid guard
   * @throws BackfillConfigError when the config of `@Backfill` or of the options is invalid
   */
  constructor(
    handler: object,
    private readonly options: HarnessOptions,
  ) {
    this.backfill = describeHandler(handler, () => this.injector);
    const patch = parseConfigPatch(options.config ?? {}, { backfill: this.backfill.name, origin: 'options' });
    this.config = resolveConfig(...this.backfill.defaults, patch);
    const fork = () => this.fork();
    this.planner = new HarnessPlanner(this.backfill, this.config.batchSize, fork);
    this.settler = new HarnessSettler(this.backfill, this.config, fork);
  }

  /**
   * Runs the backfill to its end. Errors of the handler do not reject: they are in `failures`. After
   * `crashAfter`, it continues with the ranges that the crashed run left outstanding.
   *
   * @throws the error of the handler or the database when it asks to wait (such as `RateLimitedError`, or a
   *   connection error) in each of the `attempts`, where a worker would wait longer
   * @throws BackfillError with the code `BACKFILL_ROWS_LOCKED` when another transaction keeps rows locked
   * @throws BackfillDefinitionError when the database cannot guard the rows as `@Backfill` asks, such as MongoDB
   * @throws BackfillSourceError when `from` or `to` is not a valid bound of the source
   */
  async runAll(options: HarnessRunOptions = {}): Promise<HarnessResult> {
    return this.run(null, options);
  }

  /**
   * Runs only the first range: the first `batchSize` rows, or fewer up to `to`. It is executed once; rows that
   * another transaction has locked are waited for.
   *
   * @throws the error of the handler; for rows that failed, the error of the first
   * @throws BackfillError and BackfillDefinitionError as `runAll` does
   * @throws BackfillSourceError when `from` or `to` is not a valid bound of the source
   */
  async runRange(options: HarnessRunOptions = {}): Promise<void> {
    this.injector = new CrashInjector(null);
    const wait = new LockWait(this.backfill.name);
    let [entry] = await this.planner.plan(options, 1);
    while (entry) {
      const outcome = await this.execute(entry, options.dryRun === true);
      const error =
        outcome.kind === 'failed' ? outcome.error : outcome.kind === 'partial' && outcome.failed[0]?.error;
      if (error) {
        throw error;
      }
      const keys = lockedBy(outcome);
      if (keys.length === 0) {
        return;
      }
      await wait.wait(keys);
      entry = entryOfRows(entry, keys);
    }
  }

  /**
   * Runs the backfill and simulates a SIGKILL at a checkpoint: nothing is written after it, and the current
   * range is not acknowledged. The next `runAll` continues as another process would.
   *
   * @param checkpoints number of checkpoints to pass before the crash, from 1 on
   * @returns a result with the state `crashed`; another state when the run ended with fewer checkpoints
   * @throws as `runAll` does
   */
  async crashAfter(checkpoints: number, options: HarnessRunOptions = {}): Promise<HarnessResult> {
    return this.run(checkpoints, options);
  }

  /**
   * Asserts that a kill at any checkpoint does no harm. It runs the backfill once, then for each checkpoint
   * crashes a run there and completes it; the database must end in the same state each time.
   *
   * @param reset restores the initial state of the tables
   * @param snapshot reads the rows to compare, with `assert.deepStrictEqual`
   * @returns the number of checkpoints that were tested
   * @throws AssertionError with the checkpoint after which the state differs
   * @throws RangeError when a run has more than 10,000 checkpoints
   */
  async expectIdempotent(reset: () => Promise<void>, snapshot: () => Promise<unknown>): Promise<number> {
    await reset();
    await this.runAll();
    const expected = await snapshot();
    for (let checkpoint = 1; checkpoint <= MAX_CHECKPOINTS; checkpoint++) {
      await reset();
      const { state } = await this.crashAfter(checkpoint);
      if (state !== 'crashed') {
        return checkpoint - 1;
      }
      await this.runAll();
      deepStrictEqual(
        await snapshot(),
        expected,
        `A crash after checkpoint ${checkpoint} and a second run left a different state than one run.`,
      );
    }
    throw new RangeError(`Expected at most ${MAX_CHECKPOINTS} checkpoints, got more. Use fewer rows.`);
  }

  private async run(crashAt: number | null, options: HarnessRunOptions): Promise<HarnessResult> {
    this.injector = new CrashInjector(crashAt);
    const queue = this.outstanding ?? (await this.planner.plan(options, Infinity));
    const counts = { handled: 0, rowsDone: 0 };
    const failures: BackfillFailure[] = [];
    const wait = new LockWait(this.backfill.name);
    this.outstanding = null;
    for (let entry = queue[0]; entry !== undefined; entry = queue[0]) {
      counts.handled++;
      const outcome = await this.execute(entry, options.dryRun === true);
      if (this.injector.crashed) {
        this.outstanding = queue;
        return { state: 'crashed', ...counts, failures, checkpoints: this.injector.checkpoints };
      }
      queue.shift();
      const settled = await this.settler.settle(entry, outcome);
      counts.rowsDone += settled.rowsDone;
      queue.push(...settled.successors);
      failures.push(...settled.failures);
      if (settled.rowsDone > 0) {
        wait.reset();
      } else if (lockedBy(outcome).length > 0) {
        await wait.wait(lockedBy(outcome));
      }
    }
    const state = failures.length > 0 ? 'failed' : 'completed';
    return { state, ...counts, failures, checkpoints: this.injector.checkpoints };
  }

  private async execute(entry: HarnessEntry, dryRun: boolean): Promise<Outcome> {
    const executor = new RangeExecutor({ fork: () => this.injector.instrument(this.fork()) });
    const outcome = await executor.execute({
      backfill: this.backfill,
      runId: 'harness',
      dryRun,
      entry: toClaimedEntry(entry),
      rows: { ...UNLIMITED_ROWS, concurrency: () => this.config.rowConcurrency },
      signal: new AbortController().signal,
    });
    if (outcome.kind === 'done') {
      this.passUnacknowledged();
    }
    return outcome;
  }

  /** The checkpoint between the end of a range and its acknowledgement; there is no handler to throw into. */
  private passUnacknowledged(): void {
    try {
      this.injector.checkpoint();
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) {
        throw error;
      }
    }
  }

  private fork(): EntityManager {
    return this.options.em.fork({ clear: true, disableContextResolution: true });
  }
}
