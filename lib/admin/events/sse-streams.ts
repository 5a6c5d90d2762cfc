import type { ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { RedisHealth } from '../../redis/redis.health.js';
import { EventStream } from '../../state/event.stream.js';
import { ADMIN_OPTIONS } from '../admin.options.js';
import type { ResolvedAdminOptions } from '../admin.options.js';
import { httpError } from '../http/http-error.js';
import { SseStream } from './sse-stream.js';

const EVENT_ID = /^\d{1,15}-\d{1,15}$/;

/** Opens event streams, and ends them before the HTTP server waits for its open connections. */
@Injectable()
export class SseStreams implements BeforeApplicationShutdown {
  private readonly streams = new Set<SseStream>();
  private closed = false;

  constructor(
    private readonly events: EventStream,
    private readonly redisHealth: RedisHealth,
    @Inject(ADMIN_OPTIONS) private readonly options: ResolvedAdminOptions,
  ) {}

  beforeApplicationShutdown(): void {
    this.closed = true;
    for (const stream of this.streams) {
      stream.close();
    }
  }

  /** Throws a 503 while the app shuts down: the client reconnects, to another process where there is one. */
  throwIfClosed(): void {
    if (this.closed) {
      throw httpError(503, 'BACKFILL_ADMIN_CLOSING', 'This process is shutting down. Connect again.');
    }
  }

  /** Replays the events after a given one, if any, then sends new events until the client disconnects. */
  async serve(
    response: ServerResponse,
    backfill: string | undefined,
    after: string | undefined,
  ): Promise<void> {
    const stream = new SseStream(response, backfill, this.options.heartbeatMs);
    this.streams.add(stream);
    // Subscribed before the replay, so that no event falls between the two.
    const live = this.events.events.subscribe((event) => stream.sendLive(event));
    // Without Redis there are no events: the client should see a lost connection, not a healthy idle one.
    live.add(this.redisHealth.lost.subscribe(() => stream.close()));
    response.once('close', () => {
      live.unsubscribe();
      this.streams.delete(stream);
      stream.close();
    });
    if (after !== undefined) {
      await this.replay(stream, after);
    }
    stream.endReplay();
  }

  private async replay(stream: SseStream, after: string): Promise<void> {
    if (!EVENT_ID.test(after) || !(await this.events.canResumeAfter(after))) {
      stream.sendReset();
      return;
    }
    let last = after;
    for (;;) {
      const events = await this.events.after(last);
      const newest = events.at(-1);
      if (!newest) {
        return;
      }
      events.forEach((event) => stream.send(event));
      last = newest.id;
    }
  }
}
