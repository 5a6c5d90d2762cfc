import type { Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import type { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import { toEvent } from '../state/event-entry.js';
import type { StreamEntry } from '../state/event-entry.js';
import { isListeningTo } from './backfill-listener.js';
import type { BackfillListener } from './backfill-listener.js';

const PAGE = 100;

/** Delivers each event to one process: a consumer group of the event stream for each listener with `once: true`. */
export class ConsumerGroup {
  private readonly name: string;
  private readonly log: LogOnce;
  private polling: Promise<void> = Promise.resolve();
  private heartbeat: NodeJS.Timeout | undefined;
  private closed = false;

  /**
   * @param consumer name of this process in the group
   * @param deliver never rejects
   * @param leaseMs after so many ms without a heartbeat, a pending event is claimed by another consumer
   */
  constructor(
    private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly consumer: string,
    private readonly listener: BackfillListener,
    private readonly deliver: (event: BackfillEvent) => Promise<void>,
    private readonly leaseMs: number,
    logger: Logger,
  ) {
    this.name = `listener:${listener.id}`;
    this.log = new LogOnce(logger);
  }

  /** Creates the group where it does not exist; an existing one also delivers the events since it was last read. */
  async open(): Promise<void> {
    try {
      await this.client.xgroup('CREATE', this.keys.events, this.name, '$', 'MKSTREAM');
    } catch (error) {
      if (!String(error).includes('BUSYGROUP')) {
        throw error;
      }
    }
    this.poll();
  }

  /** Delivers the events that no other consumer has read, after those of the polls before. */
  poll(): void {
    this.polling = this.polling
      .then(() => this.drain())
      .catch((error: unknown) => {
        if (!this.closed) {
          this.log.warn(
            `Cannot read events for ${this.listener.id} (${String(error)}); they are delivered when Redis answers`,
          );
        }
      });
  }

  /** Resolves when the listener has returned. */
  async close(): Promise<void> {
    this.closed = true;
    await this.polling;
  }

  /** Stops to renew the lease of an event whose listener has not returned: another process delivers it again. */
  abandon(): void {
    clearInterval(this.heartbeat);
  }

  private async drain(): Promise<void> {
    while (!this.closed) {
      const entries = [...(await this.claimExpired()), ...(await this.readNew())];
      this.log.recover();
      if (entries.length === 0) {
        return;
      }
      for (const entry of entries) {
        await this.process(entry);
      }
    }
  }

  private async readNew(): Promise<StreamEntry[]> {
    const reply = (await this.client.xreadgroup(
      'GROUP',
      this.name,
      this.consumer,
      'COUNT',
      PAGE,
      'STREAMS',
      this.keys.events,
      '>',
    )) as [string, StreamEntry[]][] | null;
    return reply?.[0]?.[1] ?? [];
  }

  /** Events that were read by a process which has died since. */
  private async claimExpired(): Promise<StreamEntry[]> {
    const [, entries] = await this.client.xautoclaim(
      this.keys.events,
      this.name,
      this.consumer,
      this.leaseMs,
      '0',
      'COUNT',
      PAGE,
    );
    // Before Redis 7 entries that were trimmed from the stream are returned as null.
    return (entries as StreamEntry[]).filter((entry) => entry?.[1]);
  }

  private async process(entry: StreamEntry): Promise<void> {
    if (this.closed) {
      return;
    }
    const [id] = entry;
    const event = toEvent(entry);
    if (event && isListeningTo(this.listener, event)) {
      this.heartbeat = setInterval(() => void this.renewLease(id), this.leaseMs / 3);
      try {
        await this.deliver(event);
      } finally {
        clearInterval(this.heartbeat);
      }
    }
    await this.client.xack(this.keys.events, this.name, id);
  }

  /** Claiming one's own pending entry resets its idle time. */
  private async renewLease(id: string): Promise<void> {
    try {
      await this.client.call('XCLAIM', this.keys.events, this.name, this.consumer, 0, id, 'JUSTID');
    } catch (error) {
      this.log.warn(
        `Cannot renew the lease of an event for ${this.listener.id} (${String(error)}); another process may get it, too`,
      );
    }
  }
}
