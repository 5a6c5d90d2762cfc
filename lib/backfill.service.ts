import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { BackfillConfigPatch } from './config/backfill-config.js';
import { ConfigStore } from './config/config.store.js';
import type { ConfigInForce } from './config/config.store.js';
import { parseConfigPatch } from './config/parse-config-patch.js';
import { BackfillConflictError } from './errors/backfill-conflict.error.js';
import { BackfillNotFoundError } from './errors/backfill-not-found.error.js';
import { BackfillRequestError } from './errors/backfill-request.error.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import type { RegisteredBackfill } from './handlers/registered-backfill.js';
import { BackfillLedger } from './ledger/backfill.ledger.js';
import { LedgerReader } from './ledger/ledger.reader.js';
import { RateController } from './pacing/rate.controller.js';
import type { BackfillPreview, PreviewOptions } from './planning/backfill-preview.js';
import { FailureRetrier } from './planning/failure.retrier.js';
import { RunPreviewer } from './planning/run.previewer.js';
import { RunStarter } from './planning/run.starter.js';
import { CycleQueue } from './queues/cycle.queue.js';
import { RangeQueues } from './queues/range.queues.js';
import { RedisClock } from './redis/redis.clock.js';
import type { BackfillEvent } from './state/backfill-event.js';
import type { FailurePage, FailurePageRequest } from './state/backfill-failure.js';
import type { BackfillRun } from './state/backfill-run.js';
import type { BackfillStatus } from './status/backfill-status.js';
import type {
  ActionOptions,
  RetryOptions,
  RetryReceipt,
  RunReceipt,
  StartOptions,
} from './state/run-actions.js';
import { EventStream } from './state/event.stream.js';
import { FailureStore } from './state/failure.store.js';
import { HistoryStore } from './state/history.store.js';
import type { BackfillHistoryEntry } from './state/history.store.js';
import { TRANSITIONS } from './state/run-status.js';
import type { RunAction } from './state/run-status.js';
import { RunStore } from './state/run.store.js';
import { SampleStore } from './state/sample.store.js';
import type { BackfillSample } from './state/sample.store.js';
import { StatusReader } from './status/status.reader.js';
import { RunResumer } from './supervision/run.resumer.js';

const FAILURES_PAGE = 50;
const LARGEST_PAGE = 1000;
const RUNS_PAGE = 20;
const HISTORY_PAGE = 50;

/**
 * The one facade over the backfills of the app: what admin endpoints and command line do, they do here.
 *
 * Every method throws `BackfillNotFoundError` for a name that no handler of the app has.
 *
 * @publicApi
 */
@Injectable()
export class BackfillService {
  /** @internal Nest makes it; what it is made of is nobody else's. */
  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runStore: RunStore,
    private readonly configs: ConfigStore,
    private readonly starter: RunStarter,
    private readonly previewer: RunPreviewer,
    private readonly statuses: StatusReader,
    private readonly failureStore: FailureStore,
    private readonly retrier: FailureRetrier,
    private readonly samplesStore: SampleStore,
    private readonly cycles: CycleQueue,
    private readonly rateController: RateController,
    private readonly resumer: RunResumer,
    private readonly clock: RedisClock,
    private readonly queues: RangeQueues,
    private readonly eventStream: EventStream,
    private readonly historyStore: HistoryStore,
    private readonly ledger: BackfillLedger,
    private readonly ledgerReader: LedgerReader,
  ) {}

  /** The status of every backfill that the app has a handler for, or that has an active run, by name. */
  async list(): Promise<BackfillStatus[]> {
    const active = (await this.runStore.active()).map(([name]) => name);
    const names = new Set([...this.registry.all().map(({ name }) => name), ...active]);
    return Promise.all(
      [...names].toSorted().map((name) => this.statuses.status(name, this.registry.find(name))),
    );
  }

  /** The status of a backfill: of its active run, else of its newest. */
  async status(name: string): Promise<BackfillStatus> {
    return this.statuses.status(name, await this.known(name));
  }

  /**
   * Starts a run. Bounds are taken now: rows inserted beyond them later are not part of it.
   *
   * @throws BackfillConflictError while a run is active, unless it is the same request again
   * (`idempotencyKey`)
   */
  async start(name: string, options: StartOptions = {}): Promise<RunReceipt> {
    const backfill = this.registry.get(name);
    await this.ledger.recoverIfLost(name);
    const receipt = await this.starter.start(backfill, options);
    await this.ledger.flush(name);
    return receipt;
  }

  /**
   * Pauses the active run: once this returned no process starts a range, and handlers in flight see their
   * signal aborted. Pausing a paused run changes nothing.
   *
   * @throws BackfillConflictError where no run can be paused
   */
  async pause(name: string, options: ActionOptions = {}): Promise<RunReceipt> {
    return this.move(name, 'pause', options);
  }

  /**
   * Lets a paused run go on with what is outstanding. Resuming a running run changes nothing.
   *
   * @throws BackfillConflictError where no run can be resumed
   */
  async resume(name: string, options: ActionOptions = {}): Promise<RunReceipt> {
    const receipt = await this.move(name, 'resume', options);
    if (receipt.state === 'running') {
      await this.resumer.resume(name, receipt.runId);
    }
    return receipt;
  }

  /**
   * Ends the active run for good and forgets what is outstanding.
   *
   * @throws BackfillConflictError where no run can be cancelled
   */
  async cancel(name: string, options: ActionOptions = {}): Promise<RunReceipt> {
    const receipt = await this.move(name, 'cancel', options);
    // Its jobs would do nothing; without them the next run need not go through them.
    await this.queues.of(name).drain(true);
    return receipt;
  }

  /**
   * Changes the config, in force within a second whatever the rate was.
   *
   * @param version change nothing unless the config still has this version
   * @throws BackfillConfigError that names each bad field
   * @throws BackfillConflictError when `version` is no longer the current one
   */
  async configure(
    name: string,
    patch: BackfillConfigPatch,
    options: ActionOptions & { readonly version?: string } = {},
  ): Promise<ConfigInForce> {
    const { defaults } = this.registry.get(name);
    const parsed = parseConfigPatch(patch, { backfill: name, origin: 'configure' });
    await this.ledger.recoverIfLost(name);
    const active = await this.runStore.activeId(name);
    const { version, by = null, reason = null } = options;
    const written = await this.configs.write(
      name,
      active,
      parsed,
      { patch: { ...parsed }, by, reason },
      version === undefined ? { defaults } : { version, defaults },
    );
    if (written === null) {
      throw new BackfillConflictError(
        `The config of backfill "${name}" is no longer at version ${version}. Read it again and repeat the change.`,
      );
    }
    const now = await this.configs.read(name, defaults);
    const run = active === null ? null : await this.runStore.read(active);
    if (run?.status === 'running') {
      await this.rateController.apply(name, run.id, now.config, await this.clock.now());
      await this.cycles.nudge({ backfill: name, run: run.id, cycle: run.cycle });
    }
    await this.ledger.flush(name);
    return now;
  }

  /** The config in force and its version. */
  async config(name: string): Promise<ConfigInForce> {
    return this.configs.read(name, this.registry.get(name).defaults);
  }

  /** What a run would do: its ranges, how many, until when, and what was noticed. Starts nothing. */
  async preview(name: string, options: PreviewOptions = {}): Promise<BackfillPreview> {
    return this.previewer.preview(this.registry.get(name), options);
  }

  /** A page of failures of a run, of the newest one by default, oldest first. */
  async failures(name: string, page: FailurePageRequest = {}): Promise<FailurePage> {
    this.registry.get(name);
    const limit = page.limit ?? FAILURES_PAGE;
    if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_PAGE) {
      throw new BackfillRequestError(name, 'limit', `a whole number from 1 to ${LARGEST_PAGE}`, limit);
    }
    if (page.after !== undefined && !/^\d+$/.test(page.after)) {
      throw new BackfillRequestError(name, 'after', 'what `next` of the page before gave', page.after);
    }
    const runId = page.runId ?? (await this.runStore.newestId(name));
    if (runId === null) {
      return { items: [], next: null };
    }
    return (await this.runStore.read(runId))
      ? this.failureStore.page(runId, page.after, limit)
      : this.ledgerReader.failures(name, runId, page.after, limit);
  }

  /**
   * Takes failures back into their run as work, all or the chosen ones; an ended run goes on until they
   * are through.
   *
   * @throws BackfillConflictError where the run cannot take them
   * @throws BackfillNotFoundError where `runId` is no run of this backfill
   */
  async retryFailures(name: string, options: RetryOptions = {}): Promise<RetryReceipt> {
    const { defaults } = this.registry.get(name);
    await this.ledger.recoverIfLost(name);
    const runId =
      options.runId === undefined
        ? await this.runStore.newestId(name)
        : (await this.run(name, options.runId)).id;
    if (runId === null) {
      throw new BackfillConflictError(`Backfill "${name}" has no run whose failures could be retried.`);
    }
    const { config } = await this.configs.read(name, defaults);
    const { retried, refused } = await this.retrier.retry(name, runId, options.ids, config.batchSize);
    if (refused !== null) {
      throw new BackfillConflictError(
        `Run ${runId} of backfill "${name}" cannot become running for a retry of its failures: ${refused}.`,
      );
    }
    if (retried > 0) {
      const { by = null, reason = null } = options;
      await this.historyStore.add('retried', name, runId, { by, reason, retried });
      await this.ledger.flush(name);
    }
    const run = await this.runStore.read(runId);
    return { runId, state: run?.status ?? 'failed', changed: retried > 0, retried };
  }

  /** The runs of a backfill, newest first. */
  async runs(name: string, limit = RUNS_PAGE): Promise<BackfillRun[]> {
    this.registry.get(name);
    return this.ledgerReader.runs(name, limit, await this.statuses.history(name, limit));
  }

  /** One run. Throws `BackfillNotFoundError` where there is none of that id. */
  async run(name: string, runId: string): Promise<BackfillRun> {
    this.registry.get(name);
    const run = await this.runStore.read(runId);
    const live = run?.name === name ? await this.statuses.summary(run) : null;
    const found = await this.ledgerReader.run(name, runId, live);
    if (!found) {
      throw new BackfillNotFoundError(`Backfill "${name}" has no run ${JSON.stringify(runId)}.`);
    }
    return found;
  }

  /** A sample a second of the active or newest run, newest first, for at most fifteen minutes. */
  async samples(name: string): Promise<BackfillSample[]> {
    this.registry.get(name);
    const runId = await this.runStore.newestId(name);
    return runId === null ? [] : this.samplesStore.newest(runId);
  }

  /** What was done to a backfill, by whom and why, newest first: all of it with `ledger: true`, else 1000 things. */
  async history(name: string, limit = HISTORY_PAGE): Promise<BackfillHistoryEntry[]> {
    this.registry.get(name);
    return this.ledgerReader.history(name, limit, await this.historyStore.newest(name, limit));
  }

  /** What happens to any backfill from now on, in whichever process. */
  events(): Observable<BackfillEvent> {
    return this.eventStream.events;
  }

  /** The backfill; none for a run whose handler the code no longer has. Throws where there never was one. */
  private async known(name: string): Promise<RegisteredBackfill | undefined> {
    const backfill = this.registry.find(name);
    return backfill || (await this.runStore.newestId(name)) !== null ? backfill : this.registry.get(name);
  }

  private async move(
    name: string,
    action: Exclude<RunAction, 'retry'>,
    options: ActionOptions,
  ): Promise<RunReceipt> {
    await this.known(name);
    await this.ledger.recoverIfLost(name);
    const runId = (await this.runStore.activeId(name)) ?? (await this.runStore.newestId(name));
    const answer =
      runId === null
        ? null
        : await this.runStore.move(runId, action, options.reason ?? '', {
            by: options.by ?? null,
            reason: options.reason ?? null,
          });
    if (runId === null || !answer || answer.kind === 'refused') {
      const { from, to } = TRANSITIONS[action];
      const state = answer ? (answer.before ?? 'gone from Redis') : 'idle';
      throw new BackfillConflictError(
        `Backfill "${name}" cannot become ${to} while it is ${state}: ${action} is possible while it is ` +
          `${from.join(' or ')}.`,
      );
    }
    await this.ledger.flush(name);
    return { runId, state: answer.now ?? TRANSITIONS[action].to, changed: answer.kind === 'moved' };
  }
}
