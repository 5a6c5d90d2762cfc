import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { endsWithin } from '../async/timeout.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { RedisConnections } from '../redis/redis-connections.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import { EventStream } from '../state/event.stream.js';
import { isListeningTo } from './backfill-listener.js';
import type { BackfillListener } from './backfill-listener.js';
import { ConsumerGroup } from './consumer-group.js';
import { ListenerExplorer } from './listener.explorer.js';

const POLL_MS = 10_000;
/** Time for the commands to Redis that a listener which returned at the last moment still causes. */
const GRACE_MS = 1_000;

/** Calls the `@OnBackfill` methods of the app. `BackfillLifecycle` opens and closes it with the other parts. */
@Injectable()
export class ListenerOrchestrator implements OnModuleInit {
  private readonly logger = new Logger('Backfill');
  private listeners: BackfillListener[] = [];
  private groups: ConsumerGroup[] = [];
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Calls under way, with the id of their listener. */
  private readonly calls = new Map<Promise<void>, string>();

  constructor(
    private readonly explorer: ListenerExplorer,
    private readonly registry: BackfillRegistry,
    private readonly events: EventStream,
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

  /** Begins to deliver events. */
  async open(): Promise<void> {
    const listeners = this.listeners.map((listener) => this.withPartitions(listener));
    const inEveryProcess = listeners.filter(({ once }) => !once);
    this.groups = listeners.filter(({ once }) => once).map((listener) => this.groupOf(listener));
    await Promise.all(this.groups.map((group) => group.open()));
    this.subscription = this.events.events.subscribe((event) => {
      inEveryProcess
        .filter((listener) => isListeningTo(listener, event))
        .forEach((listener) => void this.deliver(listener, event));
      this.poll();
    });
    if (this.groups.length > 0) {
      // The lease of a process that died expires without a new event in the stream.
      this.timer = setInterval(() => this.poll(), Math.min(POLL_MS, this.options.lockDuration));
      this.timer.unref();
    }
  }

  /** Delivers no further event, and waits up to `shutdownTimeout` for listeners that have not returned. */
  async close(): Promise<void> {
    this.subscription?.unsubscribe();
    clearInterval(this.timer);
    const closed = Promise.all([...this.groups.map((group) => group.close()), ...this.calls.keys()]);
    if (!(await endsWithin(closed, this.options.shutdownTimeout + GRACE_MS))) {
      this.groups.forEach((group) => group.abandon());
      const names = [...new Set(this.calls.values())];
      if (names.length > 0) {
        this.logger.warn(
          `Listeners have not returned within shutdownTimeout (${this.options.shutdownTimeout} ms): ${names.join(', ')}. ` +
            'The app closes without them; events of listeners with once: true are delivered again by other processes',
        );
      }
    }
  }

  private withPartitions(listener: BackfillListener): BackfillListener {
    const { backfill } = listener;
    return { ...listener, partitions: backfill === undefined ? [] : this.registry.partitionsOf(backfill) };
  }

  private poll(): void {
    this.groups.forEach((group) => group.poll());
  }

  private groupOf(listener: BackfillListener): ConsumerGroup {
    return new ConsumerGroup(
      this.connections.client,
      this.keys,
      this.processId,
      listener,
      (event) => this.deliver(listener, event),
      this.options.lockDuration,
      this.logger,
    );
  }

  private deliver(listener: BackfillListener, event: BackfillEvent): Promise<void> {
    const call = this.call(listener, event).finally(() => this.calls.delete(call));
    this.calls.set(call, listener.id);
    return call;
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
