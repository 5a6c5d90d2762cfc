import type { Logger } from '@nestjs/common';
import type { RedisClient } from '../redis/lua-script.js';
import type { BackfillKeys } from '../redis/backfill-keys.js';
import { toEvent } from '../state/event.stream.js';
import type { StreamEntry } from '../state/event.stream.js';
import type { BackfillListener } from './listener.explorer.js';

const PAGE = 100;

/** Gives each event to one process, by a consumer group of the stream for each listener. */
export class SharedDelivery {
  private taking: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly processId: string,
    private readonly listener: BackfillListener,
    private readonly deliver: (listener: BackfillListener, entry: StreamEntry) => Promise<void>,
    /** An event whose process was not heard of for so many ms is given to another. */
    private readonly leaseMs: number,
    private readonly logger: Logger,
  ) {}

  /** What happened while no process listened is delivered too, once the group has been made. */
  async open(): Promise<void> {
    try {
      await this.client.xgroup('CREATE', this.keys.events, this.group, '$', 'MKSTREAM');
    } catch (error) {
      if (!String(error).includes('BUSYGROUP')) {
        throw error;
      }
    }
    this.take();
  }

  /** Takes what nobody has, one round after the other. */
  take(): void {
    this.taking = this.taking
      .then(() => this.round())
      .catch((error: unknown) => {
        if (!this.closed) {
          this.logger.warn(`Events for ${this.listener.id} wait: ${String(error)}`);
        }
      });
  }

  /** Waits for the listener to return. */
  async close(): Promise<void> {
    this.closed = true;
    await this.taking;
  }

  private get group(): string {
    return `listener:${this.listener.id}`;
  }

  private async round(): Promise<void> {
    while (!this.closed) {
      const entries = [...(await this.abandoned()), ...(await this.fresh())];
      if (entries.length === 0) {
        return;
      }
      for (const entry of entries) {
        await this.handle(entry);
      }
    }
  }

  private async fresh(): Promise<StreamEntry[]> {
    const answer = (await this.client.xreadgroup(
      'GROUP',
      this.group,
      this.processId,
      'COUNT',
      PAGE,
      'STREAMS',
      this.keys.events,
      '>',
    )) as [string, StreamEntry[]][] | null;
    return answer?.[0]?.[1] ?? [];
  }

  private async abandoned(): Promise<StreamEntry[]> {
    const answer = await this.client.xautoclaim(
      this.keys.events,
      this.group,
      this.processId,
      this.leaseMs,
      '0',
      'COUNT',
      PAGE,
    );
    return (answer[1] as StreamEntry[]).filter((entry) => entry?.[1]);
  }

  private async handle(entry: StreamEntry): Promise<void> {
    if (this.closed) {
      return;
    }
    const [id] = entry;
    if (this.isWanted(entry)) {
      const alive = setInterval(() => {
        this.client
          .call('XCLAIM', this.keys.events, this.group, this.processId, 0, id, 'JUSTID')
          .catch((error: unknown) =>
            this.logger.warn(`No sign of life of ${this.listener.id}: ${String(error)}`),
          );
      }, this.leaseMs / 3);
      try {
        await this.deliver(this.listener, entry);
      } finally {
        clearInterval(alive);
      }
    }
    await this.client.xack(this.keys.events, this.group, id);
  }

  private isWanted(entry: StreamEntry): boolean {
    const { type, backfill } = toEvent(entry);
    return (
      this.listener.types.includes(type) &&
      (this.listener.backfill === undefined || this.listener.backfill === backfill)
    );
  }
}
