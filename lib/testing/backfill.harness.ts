import { deepStrictEqual } from 'node:assert/strict';
import type { EntityManager } from '@mikro-orm/core';
import { resolveConfig } from '../config/backfill-config.js';
import type { BackfillConfig, BackfillConfigPatch } from '../config/backfill-config.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import type { RegisteredBackfill } from '../discovery/registered-backfill.js';
import { decideSettlement } from '../execution/decide-settlement.js';
import { RangeExecutor } from '../execution/range.executor.js';
import type { Outcome } from '../execution/range.executor.js';
import { WorkSplitter } from '../execution/work.splitter.js';
import type { PlannedRange } from '../sources/backfill-source.js';
import type { BackfillFailure } from '../tracking/backfill-status.js';
import type { WorkEntry, WorkPayload } from '../tracking/work-entry.js';
import { CrashPlan, SimulatedCrash } from './crash.js';
import { describeHandler } from './harness-backfill.js';

const PLAN_AT_ONCE = 1000;
const MOST_CHECKPOINTS = 10_000;

/**
 * What a harness needs.
 *
 * @publicApi
 */
export interface HarnessOptions {
  /** Of a real database or one in memory; each range gets a fork. */
  readonly em: EntityManager;
  /** On top of the config of `@Backfill`. `attempts` counts; rates and backoff do not: nothing waits. */
  readonly config?: BackfillConfigPatch;
}

/**
 * Which rows, and how.
 *
 * @publicApi
 */
export interface HarnessRunOptions {
  /** First row, inclusive, in the order of the walk. Default: where the table begins. */
  readonly from?: unknown;
  /** Last row, inclusive. Default: where the table ends. */
  readonly to?: unknown;
  /** Rolls everything back, as a dry run does. Default false. */
  readonly dryRun?: boolean;
}

/**
 * What became of a run.
 *
 * @publicApi
 */
export interface HarnessResult {
  /** `crashed`: it was killed on purpose. */
  readonly state: 'completed' | 'failed' | 'crashed';
  /** Pieces of work that were handed to the handler, repeated and halved ones included. */
  readonly handled: number;
  /** Rows done, where the source knows them. */
  readonly rowsDone: number;
  readonly failures: readonly BackfillFailure[];
  /** How many moments there were at which a kill leaves a trace. */
  readonly checkpoints: number;
}

interface Work extends Pick<WorkEntry, 'index' | 'attempts' | 'rows'> {
  readonly payload: WorkPayload;
}

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
  private left: Work[] = [];
  private pending = false;

  /** @param handler an instance of a class with `@Backfill`, made by hand or taken from a testing module */
  constructor(
    handler: object,
    private readonly options: HarnessOptions,
  ) {
    this.backfill = describeHandler(handler, () => this.plan);
    const patch = parseConfigPatch(options.config ?? {}, { backfill: this.backfill.name, origin: 'options' });
    this.config = resolveConfig(...this.backfill.defaults, patch);
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
    const [work] = await this.ranges(options, 1);
    const outcome = work && (await this.execute(work, options.dryRun === true));
    const error =
      outcome?.kind === 'failed' ? outcome.error : outcome?.kind === 'partly' && outcome.failed[0]?.error;
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
    const queue = this.pending ? this.left : await this.ranges(options, Infinity);
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
      counts.rowsDone += await this.settle(work, outcome, queue, failures);
    }
    const state = failures.length > 0 ? 'failed' : 'completed';
    return { state, ...counts, failures, checkpoints: this.plan.checkpoints };
  }

  private async settle(
    work: Work,
    outcome: Outcome,
    queue: Work[],
    failures: BackfillFailure[],
  ): Promise<number> {
    const splitter = new WorkSplitter({ fork: () => this.fork() });
    const entry = entryOf(work);
    const decision = await decideSettlement(
      this.backfill,
      entry,
      outcome,
      this.config,
      (it) => splitter.split(this.backfill, it),
      new Date(),
      false,
    );
    if (decision.kind === 'release') {
      // Nothing waits here, so what asks to wait is tried again as an attempt of its own.
      if (work.attempts + 1 >= this.config.attempts) {
        throw decision.error;
      }
      queue.push({ ...work, attempts: work.attempts + 1 });
      return 0;
    }
    for (const { payload, rows, attempts } of decision.settlement?.successors ?? []) {
      queue.push({ index: work.index, payload, rows, attempts });
    }
    for (const { id, record } of decision.settlement?.failures ?? []) {
      const { kind, key, error, attempts, failedAt } = JSON.parse(record) as Omit<BackfillFailure, 'id'>;
      failures.push({ id, kind, key, error, attempts, failedAt });
    }
    return decision.rows === -1 ? work.rows : decision.rows;
  }

  private async execute(work: Work, dryRun: boolean): Promise<Outcome> {
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

  private async ranges({ from, to }: HarnessRunOptions, most: number): Promise<Work[]> {
    const { source, name } = this.backfill;
    const context = { em: this.fork(), backfill: name };
    await source.prepare?.(context);
    const { partitions } = await source.open(context, { from, to });
    const planned: { range: PlannedRange; partition: string }[] = [];
    for (const { name: partition, bounds } of partitions) {
      let cursor: Parameters<typeof source.plan>[1]['cursor'] = null;
      for (let exhausted = bounds === null; !exhausted && planned.length < most;) {
        const limit = Math.min(PLAN_AT_ONCE, most);
        const { batchSize } = this.config;
        const plan = await source.plan(context, { partition, bounds, cursor, batchSize, limit });
        planned.push(...plan.ranges.map((range) => ({ range, partition })));
        ({ cursor, exhausted } = plan);
      }
    }
    return planned.map(({ range, partition }, index) => ({
      index,
      attempts: 0,
      rows: range.rows,
      payload: { kind: 'range', partition, range: range.data },
    }));
  }

  private fork(): EntityManager {
    return this.options.em.fork({ clear: true, disableContextResolution: true });
  }
}

function entryOf(work: Work): WorkEntry {
  return { ...work, claims: 1, crashes: 0 };
}
