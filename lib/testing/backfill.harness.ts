import type { EntityManager, EntityName, FilterQuery } from '@mikro-orm/core';
import { resolveConfig } from '../config/backfill-config.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import { boundsOf } from '../config/concurrency-setting.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import type { DeclaredBackfill, RegisteredBackfill } from '../handlers/registered-backfill.js';
import { RunBinder } from '../handlers/run.binder.js';
import { UNLIMITED_ROWS } from '../processing/execution.js';
import type { Outcome } from '../processing/execution.js';
import { RangeExecutor } from '../processing/range.executor.js';
import type { Rehearsal } from '../rehearsal/rehearsal.js';
import type { BackfillFailure } from '../state/backfill-failure.js';
import { assertIdempotent } from './assert-idempotent.js';
import { CrashInjector, SimulatedCrash } from './crash.injector.js';
import { describeHandler } from './describe-handler.js';
import { entryOfRows, toClaimedEntry } from './harness-entry.js';
import type { HarnessEntry } from './harness-entry.js';
import type {
  HarnessOptions,
  HarnessRehearseOptions,
  HarnessResult,
  HarnessRunOptions,
  SeedRows,
} from './harness-options.js';
import { HarnessDatabase } from './harness.database.js';
import { HarnessPlanner } from './harness.planner.js';
import { rehearseInTest } from './harness.rehearsal.js';
import { HarnessSettler } from './harness.settler.js';
import { lockedBy, LockWait } from './lock-wait.js';

/** What needs the parameters of the run. */
interface OpenHarness {
  readonly backfill: RegisteredBackfill;
  readonly planner: HarnessPlanner;
  readonly settler: HarnessSettler;
}

/**
 * Runs a backfill handler in a test as the workers run it: ranges are planned by its source, retried, split
 * and quarantined. It runs in the process of the test, one range at a time, without Redis, and waits for nothing but
 * rows that another transaction has locked: up to three seconds.
 *
 * Without an entity manager it opens an empty SQLite database in memory, so that a test needs no server. `seed` creates
 * its rows, and `rows` reads them. That proves what the handler computes and how it behaves when it fails or is killed. It
 * does not prove what PostgreSQL or MySQL would do: SQLite has no row locks, so that `guard` never waits and nothing
 * deadlocks; one connection, so that no other transaction writes meanwhile; other types (a `jsonb`, an array or a
 * `numeric` is text or a number, times have milliseconds), other collations and none of their functions. Give an `em`
 * of a test database for SQL of the handler, and for what depends on those.
 *
 * Checkpoints are the points at which a killed process leaves a different state behind: after each write
 * through `context.em`, after each completed call of the handler, and after each range that is processed and
 * not yet acknowledged. `crashAfter` and `expectIdempotent` simulate a kill at them.
 *
 * @example
 * ```ts
 * const harness = new BackfillHarness(new FillEmailDomain());
 * await harness.seed(Customer, [{ email: 'Ana@Example.com' }]);
 *
 * const { rowsDone, failures } = await harness.runAll();
 *
 * expect({ rowsDone, failures }).toEqual({ rowsDone: 1, failures: [] });
 * expect(await harness.rows(Customer)).toMatchObject([{ emailDomain: 'example.com' }]);
 * await harness.close();
 * ```
 * @example
 * ```ts
 * const harness = new BackfillHarness(new ReencryptMessages(cipher), { em: orm.em });
 * ```
 *
 * @publicApi
 */
export class BackfillHarness {
  private readonly declared: DeclaredBackfill;
  private readonly config: BackfillConfig;
  private injector = new CrashInjector(null);
  /** What a crashed run left outstanding, for the next run; `null` when the last run ended. */
  private outstanding: HarnessEntry[] | null = null;
  private readonly database: HarnessDatabase;
  private opening: Promise<OpenHarness> | undefined;

  /**
   * @param handler an instance of a class with `@Backfill`, constructed in the test or taken from a testing module
   * @param options default: a database in memory, and the config of `@Backfill`
   * @throws BackfillDefinitionError when the class has no `@Backfill`, not exactly one handler method, or an
   *   invalid guard
   * @throws BackfillConfigError when the config of `@Backfill` or of the options is invalid
   */
  constructor(
    handler: object,
    private readonly options: HarnessOptions = {},
  ) {
    this.declared = describeHandler(handler, () => this.injector);
    const patch = parseConfigPatch(options.config ?? {}, { backfill: this.declared.name, origin: 'options' });
    this.config = resolveConfig(...this.declared.defaults, patch);
    this.database = new HarnessDatabase(this.declared, options);
  }

  /**
   * Creates rows. What a row leaves out and needs is filled in by its type, different from row to row: a text is the name
   * of its property and a number, an enum its first value, a required reference a row of its entity that is created, too.
   * Properties that may be null stay null.
   *
   * @param entity any entity of the database
   * @param rows what each row is created with, or how many rows
   * @returns the created rows, in the order given
   * @throws BackfillError with the code `BACKFILL_SEED_VALUE` for a required property of a type of the app
   * @throws BackfillError with the code `BACKFILL_HARNESS_DATABASE` when there is no database
   * @example
   * ```ts
   * await harness.seed(Customer, [{ email: 'Ana@Example.com' }, { email: 'no address' }]);
   * await harness.seed(Order, 3);
   * ```
   */
  seed<Entity extends object>(entity: EntityName<Entity>, rows: SeedRows<Entity>): Promise<Entity[]>;
  /**
   * Creates rows by a function, whose changes are flushed.
   *
   * @param fill is given an entity manager of its own
   * @example
   * ```ts
   * await harness.seed((em) => em.insertMany(Customer, customers));
   * ```
   */
  seed(fill: (em: EntityManager) => unknown): Promise<void>;
  async seed<Entity extends object>(
    entityOrFill: EntityName<Entity> | ((em: EntityManager) => unknown),
    rows?: SeedRows<Entity>,
  ): Promise<unknown> {
    const em = await this.em();
    if (rows !== undefined) {
      const given = typeof rows === 'number' ? Array.from({ length: rows }, () => ({})) : rows;
      return this.database.seed(entityOrFill as EntityName, given);
    }
    await (entityOrFill as (em: EntityManager) => unknown)(em);
    await em.flush();
    return undefined;
  }

  /**
   * Reads rows as they are in the database, in the order of their primary key. Filters of the entity do not apply.
   *
   * @param where which rows. Default: all
   */
  async rows<Entity extends object>(
    entity: EntityName<Entity>,
    where?: FilterQuery<Entity>,
  ): Promise<Entity[]> {
    await this.open();
    return (await this.database.rows(entity as EntityName, where)) as Entity[];
  }

  /**
   * An entity manager of its own for the database of the harness: a fork of the one given, or of that in memory.
   *
   * @throws BackfillError with the code `BACKFILL_HARNESS_DATABASE` when no driver for the database in memory is
   *   installed, or it cannot create the tables
   */
  async em(): Promise<EntityManager> {
    await this.open();
    return this.database.fork();
  }

  /**
   * Closes the database in memory and forgets its rows; one that was given stays open. With MikroORM 6 a process does not
   * end before, and Jest warns of it.
   */
  async close(): Promise<void> {
    this.outstanding = null;
    await this.database.close();
  }

  /**
   * Runs the backfill to its end. Errors of the handler do not reject: they are in `failures`. After
   * `crashAfter`, it continues with the ranges that the crashed run left outstanding.
   *
   * @throws the error of the handler or the database when it asks to wait (such as `RateLimitedError`, or a
   *   connection error) in each of the `attempts`, where a worker would wait longer
   * @throws BackfillError with the code `BACKFILL_ROWS_LOCKED` when another transaction keeps rows locked
   * @throws BackfillParamsError when `params` of the options are not what the schema of `@Backfill` accepts; so do the other
   *   methods
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
    const { backfill, planner } = await this.open();
    this.injector = new CrashInjector(null);
    const wait = new LockWait(backfill.name);
    let [entry] = await planner.plan(options, 1);
    while (entry) {
      const outcome = await this.execute(backfill, entry, options.dryRun === true);
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
   * Shows what the handler does to rows from random places of the walk, and rolls it back, as `BackfillService.rehearse`
   * does: each row before and after, as the database has it, the statements, the calls that `context.quota` counts. The
   * quota does not wait, and there is no forecast.
   *
   * @throws BackfillRequestError for an option out of its bounds, and where the database is not one of SQL
   * @throws BackfillSourceError when `from` or `to` is not a valid bound of the source
   * @example
   * ```ts
   * const { rows } = await harness.rehearse({ rows: 1, maxLength: null });
   *
   * expect(rows[0]?.changed).toEqual(['email_domain']);
   * ```
   */
  async rehearse(options: HarnessRehearseOptions = {}): Promise<Rehearsal> {
    const { backfill } = await this.open();
    this.injector = new CrashInjector(null);
    return rehearseInTest(backfill, this.config, () => this.database.fork(), options);
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
   * @param reset restores the initial state of the tables. Default, in memory only: the rows that there are at the call
   * @param snapshot reads the rows to compare, with `assert.deepStrictEqual`. Default, in memory only: all rows
   * @returns the number of checkpoints that were tested
   * @throws AssertionError with the checkpoint after which the state differs; without `reset` also when no row was handled
   * @throws RangeError when a run has more than 10,000 checkpoints
   * @throws BackfillError with the code `BACKFILL_HARNESS_DATABASE` when `reset` or `snapshot` is absent and an entity
   *   manager was given: the harness deletes no rows that are not its own
   * @example
   * ```ts
   * await harness.seed(Customer, 3);
   * await harness.expectIdempotent();
   * ```
   */
  async expectIdempotent(reset?: () => Promise<void>, snapshot?: () => Promise<unknown>): Promise<number> {
    await this.open();
    return assertIdempotent(this, {
      restore: reset ?? (await this.database.tables().backUp()),
      read: snapshot ?? this.readTables(),
      needsRows: reset === undefined,
    });
  }

  private readTables(): () => Promise<unknown> {
    const tables = this.database.tables();
    return () => tables.read();
  }

  private async run(crashAt: number | null, options: HarnessRunOptions): Promise<HarnessResult> {
    const { backfill, planner, settler } = await this.open();
    this.injector = new CrashInjector(crashAt);
    const queue = this.outstanding ?? (await planner.plan(options, Infinity));
    const counts = { handled: 0, rowsDone: 0 };
    const failures: BackfillFailure[] = [];
    const wait = new LockWait(backfill.name);
    this.outstanding = null;
    for (let entry = queue[0]; entry !== undefined; entry = queue[0]) {
      counts.handled++;
      const outcome = await this.execute(backfill, entry, options.dryRun === true);
      if (this.injector.crashed) {
        this.outstanding = queue;
        return { state: 'crashed', ...counts, failures, checkpoints: this.injector.checkpoints };
      }
      queue.shift();
      const settled = await settler.settle(entry, outcome);
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

  /** Parses the parameters, makes the source from them and opens the database, once. */
  private async open(): Promise<OpenHarness> {
    this.opening ??= this.prepare();
    const open = await this.opening;
    await this.database.open(open.backfill);
    return open;
  }

  private async prepare(): Promise<OpenHarness> {
    const backfill = await new RunBinder().bindNew(this.declared, this.options.params);
    const fork = () => this.database.fork();
    return {
      backfill,
      planner: new HarnessPlanner(backfill, this.config.batchSize, fork),
      settler: new HarnessSettler(backfill, this.config, fork),
    };
  }

  private async execute(
    backfill: RegisteredBackfill,
    entry: HarnessEntry,
    dryRun: boolean,
  ): Promise<Outcome> {
    const executor = new RangeExecutor({ fork: () => this.injector.instrument(this.database.fork()) });
    const outcome = await executor.execute({
      backfill,
      runId: 'harness',
      dryRun,
      entry: toClaimedEntry(entry),
      rows: { ...UNLIMITED_ROWS, concurrency: () => boundsOf(this.config.rowConcurrency).min },
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
}
