import { Inject, Injectable, Logger } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/core';
import { sleep } from './async/sleep.js';
import { endsWithin } from './async/timeout.js';
import { checkWorkerNames } from './config/check-worker-names.js';
import { RESOLVED_OPTIONS } from './config/module-options.js';
import type { ResolvedModuleOptions } from './config/module-options.js';
import { DeadConnectionReclaimer } from './database/dead-connection.reclaimer.js';
import { EntityManagers } from './database/entity-managers.js';
import type { DatabaseUser } from './database/entity-managers.js';
import { LibraryConnections } from './database/library-connections.js';
import { BackfillChecker } from './backfill.checker.js';
import { BackfillExplorer } from './handlers/backfill.explorer.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import { ListenerOrchestrator } from './hooks/listener.orchestrator.js';
import { JournalCleaner } from './journal/journal.cleaner.js';
import { Reversals } from './journal/reversals.js';
import { BackfillLedger } from './ledger/backfill.ledger.js';
import { RateController } from './pacing/rate.controller.js';
import { ThrottlePoller } from './pacing/throttle.poller.js';
import { CycleWorkers } from './planning/cycle.workers.js';
import { WorkerPool } from './processing/worker.pool.js';
import { CycleQueues } from './queues/cycle.queues.js';
import { RangeQueues } from './queues/range.queues.js';
import { memoryPolicyWarning } from './redis/redis-memory.js';
import { RedisConnections } from './redis/redis-connections.js';
import { RedisHealth } from './redis/redis.health.js';
import { ShutdownSteps } from './shutdown-steps.js';
import { StallDetector } from './stalls/stall.detector.js';
import { EventStream } from './state/event.stream.js';
import { LateRunDetector } from './status/late-run.detector.js';
import { BackfillWatchdog } from './supervision/backfill.watchdog.js';
import { LostRunDetector } from './supervision/lost-run.detector.js';

/** Longest that a server which accepts connections and answers nothing delays the start of the app, in all hooks together. */
const START_MS = 2_000;
/** Longest that the start takes while Redis answers: on a busy machine it is slow. */
const SLOW_START_MS = 5_000;
const RETRY_MS = 1_000;
/** Time beyond `shutdownTimeout` for workers: handlers honor their signal, ranges are released. */
const DRAIN_MS = 2_500;
/** For a start that goes on in the background: it has waited for longer already, and what it opens is closed. */
const OPENING_MS = 500;
/** Redis answers within this, or is taken for silent. */
const PING_MS = 2_000;
const LEDGER_MS = 2_500;
/** Time to close what only needs Redis. */
const GRACE_MS = 2_000;

/**
 * Starts and stops the parts of the library in order, on the lifecycle hooks of Nest. Closing takes `shutdownTimeout` and
 * ten seconds at most, whatever state Redis, the database or a handler is in.
 */
@Injectable()
export class BackfillLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly logger = new Logger('Backfill');
  private readonly reclaimers = new Map<MikroORM, DeadConnectionReclaimer>();
  private readonly shutdown = new AbortController();
  private opening: Promise<void> | undefined;
  private inBackground = false;
  /** Whether the database of the module answers no check. */
  private isDatabaseSilent = false;
  private draining: Promise<void> | undefined;
  private disconnecting: Promise<void> | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly explorer: BackfillExplorer,
    private readonly checker: BackfillChecker,
    private readonly reversals: Reversals,
    private readonly registry: BackfillRegistry,
    private readonly managers: EntityManagers,
    private readonly events: EventStream,
    private readonly pool: WorkerPool,
    private readonly cycleWorkers: CycleWorkers,
    private readonly rateController: RateController,
    private readonly watchdog: BackfillWatchdog,
    private readonly stalls: StallDetector,
    private readonly throttles: ThrottlePoller,
    private readonly ledger: BackfillLedger,
    private readonly journalCleaner: JournalCleaner,
    private readonly lostRuns: LostRunDetector,
    private readonly lateRuns: LateRunDetector,
    private readonly queues: RangeQueues,
    private readonly cycleQueues: CycleQueues,
    private readonly connections: RedisConnections,
    private readonly connectionsToDatabase: LibraryConnections,
    private readonly listeners: ListenerOrchestrator,
    private readonly health: RedisHealth,
  ) {}

  async onModuleInit(): Promise<void> {
    try {
      await this.connectionsToDatabase.run(() => this.register());
    } catch (error) {
      await this.closeFailed();
      throw error;
    }
  }

  private async register(): Promise<void> {
    const backfills = this.explorer.explore().map((backfill) => this.reversals.addTo(backfill));
    const names = backfills.flatMap(({ name, group }) => (group === undefined ? [name] : [name, group]));
    checkWorkerNames(this.options.workers, [...new Set(names)]);
    this.watchDatabases(backfills);
    const [isLedgerReachable, areChecked] = await Promise.all([
      this.ledger.check(START_MS),
      this.checker.checkAll(backfills, START_MS, this.shutdown.signal),
    ]);
    this.isDatabaseSilent = !isLedgerReachable || !areChecked;
    backfills.forEach((backfill) => this.registry.add(backfill));
  }

  /** @throws BackfillDefinitionError for a context that the app does not have */
  private watchDatabases(backfills: readonly DatabaseUser[]): void {
    const orms = new Set([
      this.managers.ormOf(),
      ...backfills.map((backfill) => this.managers.ormOf(backfill)),
    ]);
    for (const orm of orms) {
      this.connectionsToDatabase.watch(orm);
      this.reclaimers.set(orm, new DeadConnectionReclaimer(this.logger));
    }
  }

  /**
   * Waits neither for Redis nor for the database: a start that one of them delays continues in the background. Nest does
   * not close an app that is starting.
   */
  async onApplicationBootstrap(): Promise<void> {
    this.opening = this.connectionsToDatabase.run(() => this.open());
    try {
      const waitsFor = await this.waitForOpening(this.opening);
      if (waitsFor !== null) {
        this.inBackground = true;
        void this.reportWaiting(this.opening, waitsFor);
      }
    } catch (error) {
      await this.closeFailed();
      throw error;
    }
  }

  /** `null` when all is opened, else what that waits for. */
  private async waitForOpening(opening: Promise<void>): Promise<'Redis' | 'unknown' | null> {
    const lost = this.connections.lost().then(() => false);
    const answers = this.health.isResponsive();
    const within = (ms: number) => Promise.race([endsWithin(opening, ms), lost]);
    const waitsForDatabase = this.isDatabaseSilent && this.ledger.enabled;
    if (await within(waitsForDatabase ? 0 : START_MS)) {
      return null;
    }
    if (this.connections.isLost) {
      return 'Redis';
    }
    if (waitsForDatabase) {
      return 'unknown';
    }
    if (!(await Promise.race([answers, lost]))) {
      return 'Redis';
    }
    return (await within(SLOW_START_MS)) ? null : 'unknown';
  }

  /** Says what the start waits for, and when it is over. Never rejects. */
  private async reportWaiting(opening: Promise<void>, waitsFor: 'Redis' | 'unknown'): Promise<void> {
    try {
      const silent = waitsFor === 'Redis' || !(await this.health.isResponsive()) ? 'Redis' : 'The database';
      if (silent === 'Redis' || this.ledger.enabled) {
        this.logger.warn(`${silent} does not answer. The app starts; backfills start when it answers`);
      }
      await opening;
      this.logger.log(`${silent} answers: backfills have started`);
    } catch (error) {
      this.logger.debug(`The start was given up: ${String(error)}`);
    }
  }

  /** Everything that is started here, and what that starts in turn, acquires connections in the library's name. */
  private async open(): Promise<void> {
    await this.openStep(() => this.warnAboutMemoryPolicy());
    await this.openStep(() => this.events.open());
    this.events.events.subscribe((event) => this.pool.onEvent(event));
    await this.openStep(() => this.listeners.open());
    await this.openStep(() => this.ledger.open());
    await this.openStep(() => this.syncWorkers());
    this.journalCleaner.open();
    this.watchdog.open(async (active) => {
      if (active.runs.length > 0) {
        await Promise.all([...this.reclaimers].map(([orm, reclaimer]) => reclaimer.attach(orm)));
      }
      const lost = await this.lostRuns.detect(active.runs);
      this.stalls.onTick(active);
      await this.pool.sync(active);
      await this.lateRuns.check(active);
      await this.ledger.recoverLost(lost);
    });
  }

  /** In the background nobody learns of an error, so the step is repeated. */
  private async openStep(step: () => Promise<void>): Promise<void> {
    for (;;) {
      this.shutdown.signal.throwIfAborted();
      try {
        await step();
        break;
      } catch (error) {
        if (!this.inBackground || this.shutdown.signal.aborted) {
          throw error;
        }
        this.logger.warn(`Backfills cannot start yet, retrying in ${RETRY_MS} ms: ${String(error)}`);
        await sleep(RETRY_MS, this.shutdown.signal);
      }
    }
    this.shutdown.signal.throwIfAborted();
  }

  private async warnAboutMemoryPolicy(): Promise<void> {
    const warning = await memoryPolicyWarning(this.connections.client);
    if (warning !== null) {
      this.logger.warn(warning);
    }
  }

  private async syncWorkers(): Promise<void> {
    const active = await this.watchdog.poll();
    await this.lostRuns.detect(active.runs);
    await this.pool.sync(active);
  }

  beforeApplicationShutdown(): Promise<void> {
    // An app may be closed twice.
    this.draining ??= this.connectionsToDatabase.run(() => this.drain());
    return this.draining;
  }

  /** Every wait has an upper bound. */
  private async drain(): Promise<void> {
    this.shutdown.abort(new Error('The app is closing'));
    this.rateController.close();
    if (!(await endsWithin(Promise.allSettled([this.opening]), OPENING_MS))) {
      // It waits for Redis, or for the ledger in the database.
      this.connections.close();
    }
    const steps = new ShutdownSteps(this.logger, {
      watchdog: this.watchdog.close(),
      stalls: this.stalls.close(),
      throttles: this.throttles.close(),
      journal: this.journalCleaner.close(),
      workers: this.pool.close(),
      planning: this.cycleWorkers.close(),
      listeners: this.listeners.close(),
    });
    if (!(await steps.endWithin(this.options.shutdownTimeout + DRAIN_MS - PING_MS))) {
      // Redis is asked while the steps are waited for: two seconds more would be beyond what closing may take.
      const [ended, isResponsive] = await Promise.all([
        steps.endWithin(PING_MS),
        this.health.isResponsive(PING_MS),
      ]);
      if (!ended && !isResponsive) {
        this.logger.warn(
          'Redis does not respond at shutdown. Ranges that could not be released are processed by other processes ' +
            `after ${this.options.lockDuration} ms`,
        );
        // Rejects the commands that still wait for Redis.
        this.connections.close();
      }
      if (!(await steps.endWithin(GRACE_MS))) {
        this.logger.warn(`The app closes without waiting any longer for: ${steps.pending.join(', ')}`);
      }
    }
    await new ShutdownSteps(this.logger, { ledger: this.ledger.close() }).endWithin(LEDGER_MS);
    await this.connectionsToDatabase.close();
    if (!(await this.health.isResponsive())) {
      // HTTP requests of the app may wait for commands, and Nest for the requests.
      this.connections.close();
    }
  }

  onApplicationShutdown(): Promise<void> {
    this.disconnecting ??= this.disconnect();
    return this.disconnecting;
  }

  private async disconnect(): Promise<void> {
    await new ShutdownSteps(this.logger, {
      events: this.events.close(),
      queues: this.queues.close(),
      cycles: this.cycleQueues.close(),
    }).endWithin(GRACE_MS);
    this.connections.close();
    this.connectionsToDatabase.afterClose();
  }

  /** Nest does not close an app that failed to start, and an open connection would keep the process alive. */
  private async closeFailed(): Promise<void> {
    await this.beforeApplicationShutdown();
    await this.onApplicationShutdown();
  }
}
