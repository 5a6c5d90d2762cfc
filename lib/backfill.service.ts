import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { BackfillConfigPatch } from './config/backfill-config.js';
import { ConfigStore } from './config/config.store.js';
import type { ConfigInForce } from './config/config.store.js';
import { parseLimit } from './config/parse-limit.js';
import { LibraryConnections } from './database/library-connections.js';
import { BackfillChecks } from './handlers/backfill-checks.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import type { DeclaredBackfill, RegisteredBackfill } from './handlers/registered-backfill.js';
import { RunBinder } from './handlers/run.binder.js';
import { ConflictReader } from './journal/conflict.reader.js';
import type { UndoConflictPage, UndoConflictRequest } from './journal/undo-conflicts.js';
import { UndoStarter } from './journal/undo.starter.js';
import { BackfillLedger } from './ledger/backfill.ledger.js';
import { FailureReader } from './ledger/failure.reader.js';
import { LedgerReader } from './ledger/ledger.reader.js';
import type { BackfillPreview, PreviewOptions } from './planning/backfill-preview.js';
import { FailureRetrier } from './planning/failure.retrier.js';
import { combinePreviews } from './planning/combine-previews.js';
import { PREVIEWED_RANGES, RunPreviewer } from './planning/run.previewer.js';
import { RunStarter } from './planning/run.starter.js';
import { SourceChecker } from './processing/source.checker.js';
import type { Rehearsal, RehearseOptions } from './rehearsal/rehearsal.js';
import { Rehearser } from './rehearsal/rehearser.js';
import type { BackfillEvent } from './state/backfill-event.js';
import type { FailurePage, FailurePageRequest } from './state/backfill-failure.js';
import type { BackfillRun } from './state/backfill-run.js';
import type { FailureGroups } from './state/failure-group.js';
import type { BackfillOverview } from './status/backfill-overview.js';
import type { BackfillStatus } from './status/backfill-status.js';
import type {
  ActionOptions,
  ConfigureOptions,
  ResumeOptions,
  RetryOptions,
  RetryReceipt,
  RunReceipt,
  StartOptions,
  UndoOptions,
} from './state/run-actions.js';
import { EventStream } from './state/event.stream.js';
import { EVERY_BACKFILL } from './state/global-hold.js';
import type { GlobalHold, HoldOptions, HoldReceipt } from './state/global-hold.js';
import type { HistoryRequest } from './state/history-request.js';
import type { BackfillHistoryEntry } from './state/history.store.js';
import { HoldStore } from './state/hold.store.js';
import type { OverrideOptions, OverrideReceipt } from './state/override.store.js';
import { RunStore } from './state/run.store.js';
import { SampleStore } from './state/sample.store.js';
import type { BackfillSample, SamplesRequest } from './state/sample.store.js';
import { parseSamplesRequest } from './state/samples-request.js';
import { OverviewReader } from './status/overview.reader.js';
import { combineStatuses } from './status/combine-statuses.js';
import { StatusReader } from './status/status.reader.js';
import { inEachDatabase } from './supervision/in-each-database.js';
import type { BackfillBudget } from './config/backfill-budget.js';
import { BudgetChanger } from './supervision/budget.changer.js';
import type { BudgetStatus } from './supervision/budget.changer.js';
import { ConfigChanger } from './supervision/config.changer.js';
import { ThrottleOverrider } from './supervision/throttle.overrider.js';
import { RunController } from './supervision/run.controller.js';

const RUNS_PER_PAGE = 20;

/**
 * Starts, controls and monitors the backfills of the app. The admin endpoints and the command line call it.
 *
 * Every method that takes the name of a backfill throws `BackfillNotFoundError` where the app has no handler of that
 * name, and `BackfillStateError` where the state of the backfill cannot be read. Methods that use its source throw
 * `BackfillUnavailableError` where the app was started without the database and the source is still to be checked.
 *
 * @example
 * ```ts
 * constructor(private readonly backfills: BackfillService) {}
 *
 * async reencrypt() {
 *   const { runId } = await this.backfills.start('reencrypt-messages', { startedBy: 'ada' });
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class BackfillService {
  /** @internal Created by Nest; the parameters are not part of the public API. */
  constructor(
    private readonly registry: BackfillRegistry,
    private readonly checks: BackfillChecks,
    private readonly runStore: RunStore,
    private readonly configStore: ConfigStore,
    private readonly sampleStore: SampleStore,
    private readonly eventStream: EventStream,
    private readonly statusReader: StatusReader,
    private readonly overviewReader: OverviewReader,
    private readonly starter: RunStarter,
    private readonly undoStarter: UndoStarter,
    private readonly conflictReader: ConflictReader,
    private readonly previewer: RunPreviewer,
    private readonly rehearser: Rehearser,
    private readonly retrier: FailureRetrier,
    private readonly controller: RunController,
    private readonly configChanger: ConfigChanger,
    private readonly ledger: BackfillLedger,
    private readonly ledgerReader: LedgerReader,
    private readonly failureReader: FailureReader,
    private readonly connections: LibraryConnections,
    private readonly binder: RunBinder,
    private readonly sources: SourceChecker,
    private readonly holds: HoldStore,
    private readonly budgetChanger: BudgetChanger,
    private readonly overrider: ThrottleOverrider,
  ) {}

  /**
   * The status of every backfill that has a handler in the app or an active run, ordered by name. A backfill whose state
   * in Redis is corrupt is listed with a warning that says what is wrong; `status` throws for it.
   */
  async list(): Promise<BackfillStatus[]> {
    return this.statusReader.listAll(this.registry.all().map(({ name }) => name));
  }

  /**
   * The backfills of `list` with their rows a second of the last minute, for a page that shows them all and asks again each
   * second: it is one read of Redis for all requests of this process within a second, and with `after` only what has changed
   * since comes back.
   *
   * @param after `revision` of an earlier overview, of any process of the app. Without it, and where it is not known any
   *   more, all backfills come back
   */
  async overview(after?: string): Promise<BackfillOverview> {
    return this.overviewReader.overview(after);
  }

  /**
   * The status of a backfill: of its active run, or else of its newest; `idle` before the first run. Of a backfill whose
   * partitions are in several databases, that of all together, with the state of each in `partitions`.
   */
  async status(name: string): Promise<BackfillStatus> {
    const group = await this.groupOf(name);
    if (group.length > 0) {
      return combineStatuses(name, await this.statusReader.list(group));
    }
    await this.assertKnown(name);
    return this.statusReader.status(name);
  }

  /**
   * Starts a run. The bounds are read now: rows inserted beyond them later are part of the run only where it is verified.
   * Of a backfill whose partitions are in several databases, it starts, as `pause`, `resume` and `cancel` change, the run of
   * each where that is possible, and `databases` of the answer says where it was not.
   *
   * @throws BackfillConflictError while a run is active, unless `idempotencyKey` is the one that it was started with
   * @throws BackfillConfigError where `config` has an invalid value; the message names each field
   * @throws BackfillParamsError where `params` are not what the schema of `@Backfill` accepts; the message names each field
   * @throws BackfillSourceError where `from` or `to` is no key of the source, or the source cannot be read
   * @throws BackfillRequestError for a dry run on a database without transactions, for an invalid `verify` or
   * `canary`, for a `finishBy` that is no time in the future, and where the source cannot be verified, or not plan an exact
   * number of rows for a canary
   */
  async start(name: string, options: StartOptions = {}): Promise<RunReceipt> {
    return this.inEach(name, async (own) => {
      const backfill = this.checked(own);
      return this.recorded(own, async () =>
        this.starter.start(await this.bind(backfill, options.params), options),
      );
    });
  }

  /**
   * Pauses the active run. When the promise resolves, no process starts a range any more; handlers in flight see
   * their `signal` aborted within a second. Pausing a paused run changes nothing.
   *
   * @throws BackfillConflictError where no run is running or paused
   */
  async pause(name: string, options: ActionOptions = {}): Promise<RunReceipt> {
    return this.inEach(name, async (own) => {
      await this.assertKnown(own);
      return this.recorded(own, () => this.controller.pause(own, options));
    });
  }

  /**
   * Resumes a paused run with what is outstanding. Resuming a running run changes nothing. A run whose canary has its
   * verdict goes on without the limit of the canary.
   *
   * @throws BackfillConflictError where no run is paused or running; where the handler of this process has another source
   *   than the run, or another version and one of them holds on that (`adoptVersion` has the run go on with another
   *   version); where a run is to adopt a version while processes still work on it with another one
   * @throws BackfillRequestError where `adoptVersion` is no version
   */
  async resume(name: string, options: ResumeOptions = {}): Promise<RunReceipt> {
    return this.inEach(name, async (own) => {
      await this.assertKnown(own);
      this.checks.assertPassed(own);
      return this.recorded(own, () => this.controller.resume(own, options));
    });
  }

  /**
   * Cancels the active run for good and discards what is outstanding. Cancelling a cancelled run changes nothing.
   *
   * @throws BackfillConflictError where the newest run is neither active nor cancelled
   */
  async cancel(name: string, options: ActionOptions = {}): Promise<RunReceipt> {
    return this.inEach(name, async (own) => {
      await this.assertKnown(own);
      return this.recorded(own, () => this.controller.cancel(own, options));
    });
  }

  /**
   * Holds all runs of all backfills, for an incident or while nothing is to be deployed. When the promise resolves, no
   * process starts a range any more, one that starts later neither; handlers in flight see their `signal` aborted within a
   * second, and their ranges are processed again without having used up an attempt. Nothing is planned or verified, and no
   * journal is cleaned. Runs may be started, retried, paused, resumed and cancelled meanwhile, and wait for the end of the
   * hold; a rehearsal is refused. A hold that is in force gets the new reason and end. It is kept in Redis alone.
   *
   * @throws BackfillRequestError where `reason` is empty, or `until` is no time in the future
   *
   * @example
   * ```ts
   * await backfills.hold({ by: 'ada', reason: 'incident 42', until: '2030-01-31T18:00:00Z' });
   * ```
   */
  async hold(options: HoldOptions): Promise<HoldReceipt> {
    return this.connections.run(() => this.holds.hold(options));
  }

  /** Releases the hold of all runs: each goes on as it was, and what was paused by itself stays so. */
  async release(options: ActionOptions = {}): Promise<HoldReceipt> {
    return this.connections.run(() => this.holds.release(options));
  }

  /** The hold of all runs; `null` where there is none. */
  async globalHold(): Promise<GlobalHold | null> {
    return this.holds.read();
  }

  /**
   * Starts a run that undoes another: it gives each row of the journal its old values back, where the row still has what
   * that run wrote, and lists the others as conflicts. Rows that were inserted are deleted, and those that were deleted are
   * inserted again. It has the config of the backfill, and is paced, paused and resumed as any other run. A run that is
   * paused is cancelled first.
   *
   * @throws BackfillConflictError where the handler has no `undo`, there is no journal, or nothing in it is left to undo;
   *   where the run is running, was a dry run, or is an undo itself; while another run is active
   * @throws BackfillNotFoundError where the backfill has no run `options.runId`
   */
  async undo(name: string, options: UndoOptions): Promise<RunReceipt> {
    const backfill = this.checked(name);
    return this.recorded(name, async () =>
      this.undoStarter.start(backfill, await this.ledgerReader.run(name, options.runId), options),
    );
  }

  /**
   * A page of the rows that an undo has left as they are, by table and key.
   *
   * @throws BackfillRequestError where `limit` or `after` is invalid
   * @throws BackfillNotFoundError where the backfill has no run `request.runId`
   */
  async undoConflicts(name: string, request: UndoConflictRequest = {}): Promise<UndoConflictPage> {
    this.registry.get(name);
    return this.connections.run(async () => {
      if (request.runId !== undefined) {
        await this.ledgerReader.run(name, request.runId);
      }
      return this.conflictReader.page(name, request);
    });
  }

  /**
   * Changes the config of a backfill. Every process applies the change within a second.
   *
   * @throws BackfillConfigError where the patch has an unknown key or an invalid value; the message names each field
   * @throws BackfillConflictError where `options.version` is not the version in force
   */
  async configure(
    name: string,
    patch: BackfillConfigPatch,
    options: ConfigureOptions = {},
  ): Promise<ConfigInForce> {
    const backfill = this.registry.get(name);
    return this.recorded(name, () => this.configChanger.change(backfill, patch, options));
  }

  /**
   * Loosens or tightens a throttle of a backfill until a time: its pressure is multiplied by `factor`, within a
   * second. 0 ignores it, 1 ends an override that is in force. The override is kept in Redis alone, concerns all
   * processes, and ends by the clock of Redis.
   *
   * @throws BackfillRequestError where the backfill has no such throttle, `factor` is not from 0 to 100, or `until` is no
   *   time in the future
   *
   * @example
   * ```ts
   * await backfills.override('orders', { throttle: 'postgres-replication-lag', factor: 0.5, until: '2030-01-31T18:00:00Z' });
   * ```
   */
  async override(name: string, options: OverrideOptions): Promise<OverrideReceipt> {
    const backfill = this.registry.get(name);
    return this.recorded(name, () => this.overrider.override(backfill, options));
  }

  /**
   * The config in force, and its version.
   *
   * @throws BackfillConfigError where a value in Redis is corrupt
   */
  async config(name: string): Promise<ConfigInForce> {
    return this.configStore.read(name, this.registry.get(name).defaults);
  }

  /** The budget that all runs on the database of this app share, and which runs use it now. */
  async budget(): Promise<BudgetStatus> {
    return this.budgetChanger.read();
  }

  /**
   * Changes limits of the budget; `null` removes one. Every process applies the change within a second.
   *
   * @example
   * ```ts
   * await backfills.configureBudget({ concurrency: 8, callsPerSecond: { directory: 20 } }, { by: 'ada' });
   * ```
   *
   * @throws BackfillConfigError where the patch has an unknown key or an invalid value; the message names each field
   * @throws BackfillConflictError where `options.version` is not the version in force
   */
  async configureBudget(patch: BackfillBudget, options: ConfigureOptions = {}): Promise<BudgetStatus> {
    return this.budgetChanger.change(patch, options);
  }

  /**
   * Plans a run without starting it: its first ranges with their start times, the total, the estimated end, warnings. Of a
   * backfill whose partitions are in several databases, it has the sums, and `databases` has each.
   *
   * @throws BackfillConfigError where `config` has an invalid value
   * @throws BackfillParamsError where `params` are not what the schema of `@Backfill` accepts
   * @throws BackfillRequestError where `limit` or `at` is invalid
   * @throws BackfillSourceError where `from` or `to` is no key of the source, or the source cannot be read
   */
  async preview(name: string, options: PreviewOptions = {}): Promise<BackfillPreview> {
    const group = await this.groupOf(name);
    if (group.length > 0) {
      const previews = group.map(async (own) => [own, await this.preview(own, options)] as const);
      const limit = parseLimit(name, options.limit, PREVIEWED_RANGES);
      return combinePreviews(name, new Map(await Promise.all(previews)), limit);
    }
    const backfill = this.checked(name);
    return this.connections.run(async () =>
      this.previewer.preview(await this.bind(backfill, options.params), options),
    );
  }

  /**
   * Runs the handler on rows from random places of the walk, in transactions that are rolled back, and answers what it did
   * to them: each row before and after, as the database has it. A run of the backfill is neither needed nor disturbed. The
   * handler is called as in a dry run, with `ctx.dryRun`. Its calls to third parties count against the quota.
   *
   * @throws BackfillRequestError where an option is invalid, or the database has no transactions or no SQL
   * @throws BackfillParamsError where `params` are not what the schema of `@Backfill` accepts
   * @throws BackfillSourceError where `from` or `to` is no key of the source, or the source cannot be read
   * @throws BackfillConflictError while this process rehearses the backfill already, and while all runs are held
   */
  async rehearse(name: string, options: RehearseOptions = {}): Promise<Rehearsal> {
    const backfill = this.checked(name);
    return this.connections.run(async () =>
      this.rehearser.rehearse(await this.bind(backfill, options.params), options),
    );
  }

  /**
   * A page of the failures of a run, newest first. Each page is read in one step, also while failures are retried: one
   * that fails again comes before all others, and no page after the first repeats it.
   *
   * @throws BackfillRequestError where `limit`, `after` or `search` is invalid
   */
  async failures(name: string, page: FailurePageRequest = {}): Promise<FailurePage> {
    this.registry.get(name);
    return this.connections.run(() => this.failureReader.page(name, page));
  }

  /**
   * All failures of a run, grouped by the class of their error and its message without numbers, ids, quoted values and
   * dates. Any number of failures is read, page by page; the groups are kept until the failures change.
   *
   * @param options.runId default: the newest run
   */
  async failureGroups(name: string, { runId }: { readonly runId?: string } = {}): Promise<FailureGroups> {
    this.registry.get(name);
    return this.connections.run(() => this.failureReader.groups(name, runId));
  }

  /**
   * Makes failures of a run outstanding again. A run that has ended becomes running until they are processed.
   *
   * @throws BackfillConflictError where there is no run, it was cancelled, or another run is active; where the handler of
   *   this process has another source than the run, or another version and one of them holds on that (`adoptVersion` has
   *   the run go on with another version)
   * @throws BackfillRequestError where `adoptVersion` is no version, or both `ids` and `group` are given
   * @throws BackfillNotFoundError where the backfill has no run `options.runId`
   */
  async retryFailures(name: string, options: RetryOptions = {}): Promise<RetryReceipt> {
    const backfill = this.checked(name);
    return this.recorded(name, async () => {
      if (options.runId !== undefined) {
        await this.ledgerReader.run(name, options.runId);
      }
      return this.retrier.retry(backfill, options);
    });
  }

  /**
   * The runs of a backfill, newest first: of all time with `ledger: true`, else those that Redis has.
   *
   * @param limit most runs to return. Default 20
   */
  async runs(name: string, limit = RUNS_PER_PAGE): Promise<BackfillRun[]> {
    this.registry.get(name);
    return this.connections.run(() => this.ledgerReader.runs(name, limit));
  }

  /**
   * One run of a backfill.
   *
   * @throws BackfillNotFoundError where the backfill has no run of that id
   */
  async run(name: string, runId: string): Promise<BackfillRun> {
    this.registry.get(name);
    return this.connections.run(() => this.ledgerReader.run(name, runId));
  }

  /**
   * Samples of the progress of a run, newest first: of its last 15 minutes, one a second, or of a longer `range`, thinned
   * out as they age. Where nothing was measured, as during a pause or an outage, there is none.
   *
   * @throws BackfillRequestError where `after` or `range` is invalid
   * @throws BackfillNotFoundError where the backfill has no run `request.runId`
   */
  async samples(name: string, request: SamplesRequest = {}): Promise<BackfillSample[]> {
    this.registry.get(name);
    const { after, range } = parseSamplesRequest(name, request);
    if (request.runId !== undefined) {
      await this.run(name, request.runId);
    }
    const runId = request.runId ?? (await this.runStore.newestId(name));
    return runId === null ? [] : this.sampleStore.range(runId, range, after);
  }

  /**
   * What was done to a backfill, by whom and why, newest first: the whole history with `ledger: true`, else the last
   * 1000 entries. A hold of all runs is in the history of each backfill with an active run, and in that of `*`, which has
   * nothing else.
   *
   * @param request most entries to return, or the entries to return: to read on, the id of the last entry is `before` of
   *   the next request; fewer entries than `limit` are the last ones. Default 50 entries
   * @throws BackfillRequestError where `limit`, `before` or `types` is invalid
   */
  async history(name: string, request: number | HistoryRequest = {}): Promise<BackfillHistoryEntry[]> {
    if (name !== EVERY_BACKFILL) {
      this.registry.get(name);
    }
    return this.connections.run(() => this.ledgerReader.history(name, request));
  }

  /** The events of all backfills in all processes, from the time of subscription on. */
  events(): Observable<BackfillEvent> {
    return this.eventStream.events;
  }

  /** Changes a backfill, or each of those whose databases have the partitions of one. */
  private async inEach(name: string, change: (own: string) => Promise<RunReceipt>): Promise<RunReceipt> {
    const group = await this.groupOf(name);
    if (group.length === 0) {
      return change(name);
    }
    const receipt = await inEachDatabase(group, change);
    const { runId, state } = await this.status(name);
    return { ...receipt, runId: runId ?? '', ...(state === 'idle' ? {} : { state }) };
  }

  /** The names of the backfills of a group. An active run of the name itself is one from before its partitions had databases. */
  private async groupOf(name: string): Promise<readonly string[]> {
    const group = this.registry.partitionsOf(name);
    return group.length > 0 && (await this.runStore.activeId(name)) === null ? group : [];
  }

  /** Wraps a change: restores the run before it where Redis lost it, and writes the change to the ledger after it. */
  private async recorded<T>(name: string, change: () => Promise<T>): Promise<T> {
    return this.connections.run(async () => {
      await this.ledger.recoverIfLost(name);
      const result = await change();
      await this.ledger.flush(name);
      return result;
    });
  }

  /** The backfill with the parameters of a run that is to be started or previewed. */
  private async bind(backfill: DeclaredBackfill, params: unknown): Promise<RegisteredBackfill> {
    const bound = await this.binder.bindNew(backfill, params);
    await this.sources.check(bound);
    return bound;
  }

  private checked(name: string): DeclaredBackfill {
    const backfill = this.registry.get(name);
    this.checks.assertPassed(name);
    return backfill;
  }

  /** A backfill whose handler was removed is still known by its runs. */
  private async assertKnown(name: string): Promise<void> {
    if (!this.registry.find(name) && (await this.runStore.newestId(name)) === null) {
      this.registry.get(name);
    }
  }
}
