import { Inject, Injectable, Logger } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import { endsWithin } from './async/timeout.js';
import { RESOLVED_OPTIONS } from './config/module-options.js';
import type { ResolvedModuleOptions } from './config/module-options.js';
import { DeadConnectionReclaimer } from './database/dead-connection.reclaimer.js';
import { EntityManagers } from './database/entity-managers.js';
import { BackfillExplorer } from './handlers/backfill.explorer.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import { BackfillLedger } from './ledger/backfill.ledger.js';
import { RateController } from './pacing/rate.controller.js';
import { CycleWorkers } from './planning/cycle.workers.js';
import { WorkerPool } from './processing/worker.pool.js';
import { CycleQueues } from './queues/cycle.queues.js';
import { RangeQueues } from './queues/range.queues.js';
import { memoryPolicyWarning } from './redis/redis-memory.js';
import { RedisConnections } from './redis/redis-connections.js';
import { EventStream } from './state/event.stream.js';
import { BackfillWatchdog } from './supervision/backfill.watchdog.js';
import { LostRunDetector } from './supervision/lost-run.detector.js';

/** Upper bound of the time to close workers and connections, if Redis responds. */
const GRACE_MS = 5_000;

/** Starts and stops the parts of the library in order, on the lifecycle hooks of Nest. */
@Injectable()
export class BackfillLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly logger = new Logger('Backfill');
  private readonly reclaimer = new DeadConnectionReclaimer(this.logger);

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly explorer: BackfillExplorer,
    private readonly registry: BackfillRegistry,
    private readonly managers: EntityManagers,
    private readonly events: EventStream,
    private readonly pool: WorkerPool,
    private readonly cycleWorkers: CycleWorkers,
    private readonly rateController: RateController,
    private readonly watchdog: BackfillWatchdog,
    private readonly ledger: BackfillLedger,
    private readonly lostRuns: LostRunDetector,
    private readonly queues: RangeQueues,
    private readonly cycleQueues: CycleQueues,
    private readonly connections: RedisConnections,
  ) {}

  async onModuleInit(): Promise<void> {
    try {
      await this.register();
    } catch (error) {
      // Nest does not close an app that failed to start, and an open connection would keep the process alive.
      this.connections.close();
      throw error;
    }
  }

  private async register(): Promise<void> {
    await this.ledger.check();
    for (const backfill of this.explorer.explore()) {
      const context = { em: this.managers.fork(), backfill: backfill.name };
      await backfill.source.prepare?.(context, { loadsRows: backfill.shape !== 'range' });
      this.registry.add(backfill);
      this.logger.log(
        `Backfill "${backfill.name}" handled by ${backfill.className} (${backfill.shape}, ${backfill.source.kind})`,
      );
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    const warning = await memoryPolicyWarning(this.connections.client);
    if (warning !== null) {
      this.logger.warn(warning);
    }
    await this.events.open();
    this.events.events.subscribe((event) => this.pool.onEvent(event));
    await this.ledger.open();
    const { runs, now } = await this.watchdog.poll();
    await this.lostRuns.detect(runs);
    await this.pool.sync(runs, now);
    this.watchdog.open(async (active, at) => {
      if (active.length > 0) {
        await this.reclaimer.attach(this.managers.orm);
      }
      const lost = await this.lostRuns.detect(active);
      await this.pool.sync(active, at);
      await this.ledger.recoverLost(lost);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.rateController.close();
    const closed = this.settle(this.watchdog.close(), this.pool.close(), this.cycleWorkers.close());
    if (!(await endsWithin(closed, this.options.shutdownTimeout + GRACE_MS))) {
      this.logger.warn(
        'Redis does not respond at shutdown. Ranges that could not be released are processed by other processes ' +
          `after ${this.options.lockDuration} ms`,
      );
      // Rejects the commands that still wait for Redis.
      this.connections.close();
      await endsWithin(closed, GRACE_MS);
    }
    await endsWithin(this.settle(this.ledger.close()), GRACE_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await endsWithin(
      this.settle(this.events.close(), this.queues.close(), this.cycleQueues.close()),
      GRACE_MS,
    );
    this.connections.close();
  }

  /** Waits for shutdown steps. Errors, mostly of an unreachable Redis, are logged: the app closes nonetheless. */
  private async settle(...steps: readonly Promise<void>[]): Promise<void> {
    for (const result of await Promise.allSettled(steps)) {
      if (result.status === 'rejected') {
        this.logger.warn(`A shutdown step failed: ${String(result.reason)}`);
      }
    }
  }
}
