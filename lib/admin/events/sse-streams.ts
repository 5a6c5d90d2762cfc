import type { ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { RedisHealth } from '../../redis/redis.health.js';
import { EventStream } from '../../state/event.stream.js';
import { ADMIN_OPTIONS } from '../admin.options.js';
import type { ResolvedAdminOptions } from '../admin.options.js';
import { httpError } from '../http/http-errors.js';
import { SseStream } from './sse-stream.js';

const EVENT_ID = /^\d{1,15}-\d{1,15}$/;

/** Opens streams of events and ends them before the server waits for its connections. */
@Injectable()
export class SseStreams implements BeforeApplicationShutdown {
  private readonly open = new Set<SseStream>();
  private closed = false;

  constructor(
    private readonly events: EventStream,
    private readonly redisHealth: RedisHealth,
    @Inject(ADMIN_OPTIONS) private readonly options: ResolvedAdminOptions,
  ) {}

  beforeApplicationShutdown(): void {
    this.closed = true;
    for (const stream of this.open) {
      stream.close();
    }
  }

  /** Throws a 503 while the app shuts down: the next process may have the client. */
  checkOpen(): void {
    if (this.closed) {
      throw httpError(503, 'BACKFILL_ADMIN_CLOSING', 'This process is shutting down. Connect again.');
    }
  }

  /** Tells what happened after an event, where one is given, and then what happens until the client leaves. */
  async serve(
    response: ServerResponse,
    backfill: string | undefined,
    after: string | undefined,
  ): Promise<void> {
    const stream = new SseStream(response, backfill, this.options.heartbeatMs);
    this.open.add(stream);
    const live = this.events.events.subscribe((event) => stream.live(event));
    // A stream that can tell nothing is not to look alive: the client comes back when there is something.
    live.add(this.redisHealth.lost.subscribe(() => stream.close()));
    response.once('close', () => {
      live.unsubscribe();
      this.open.delete(stream);
      stream.close();
    });
    if (after !== undefined) {
      await this.catchUp(stream, after);
    }
    stream.goLive();
  }

  private async catchUp(stream: SseStream, after: string): Promise<void> {
    if (!EVENT_ID.test(after) || !(await this.events.reaches(after))) {
      stream.reset();
      return;
    }
    let last = after;
    for (;;) {
      const events = await this.events.after(last);
      const newest = events.at(-1);
      if (!newest) {
        return;
      }
      events.forEach((event) => stream.tell(event));
      last = newest.id;
    }
  }
}
