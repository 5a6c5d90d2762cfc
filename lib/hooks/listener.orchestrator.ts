import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import { EventStream, toEvent } from '../state/event.stream.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { ListenerExplorer } from './listener.explorer.js';
import type { BackfillListener } from './listener.explorer.js';
import { SharedDelivery } from './shared.delivery.js';

const LOOK_AGAIN_MS = 10_000;

/** Calls the `@OnBackfill` methods of the app. */
@Injectable()
export class ListenerOrchestrator implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Backfill');
  private listeners: BackfillListener[] = [];
  private shared: SharedDelivery[] = [];
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly explorer: ListenerExplorer,
    private readonly log: EventStream,
    private readonly connections: RedisConnections,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
  ) {}

  onModuleInit(): void {
    try {
      this.listeners = this.explorer.explore();
    } catch (error) {
      // Nest does not close an app that failed to start; an open connection would keep its process alive.
      this.connections.close();
      throw error;
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    const { lockDuration } = this.options;
    const everywhere = this.listeners.filter(({ once }) => !once);
    this.shared = this.listeners
      .filter(({ once }) => once)
      .map(
        (listener) =>
          new SharedDelivery(
            this.connections.client,
            this.keys,
            this.processId,
            listener,
            (to, entry) => this.call(to, toEvent(entry)),
            lockDuration,
            this.logger,
          ),
      );
    await Promise.all(this.shared.map((delivery) => delivery.open()));
    this.subscription = this.log.events.subscribe((event) => {
      everywhere
        .filter(
          ({ types, backfill }) =>
            types.includes(event.type) && (backfill ?? event.backfill) === event.backfill,
        )
        .forEach((listener) => void this.call(listener, event));
      this.shared.forEach((delivery) => delivery.take());
    });
    if (this.shared.length > 0) {
      // An event of a process that died comes without another event.
      this.timer = setInterval(
        () => this.shared.forEach((delivery) => delivery.take()),
        Math.min(LOOK_AGAIN_MS, lockDuration),
      );
      this.timer.unref();
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.subscription?.unsubscribe();
    clearInterval(this.timer);
    await Promise.all(this.shared.map((delivery) => delivery.close()));
  }

  private async call(listener: BackfillListener, event: BackfillEvent): Promise<void> {
    try {
      await listener.call(event);
    } catch (error) {
      this.logger.error(
        `[${event.backfill} run ${event.runId}] ${listener.id} failed on "${event.type}": ${String(error)}`,
        (error as Error).stack,
      );
    }
  }
}
