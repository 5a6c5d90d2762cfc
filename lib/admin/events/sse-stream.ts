import type { ServerResponse } from 'node:http';
import type { BackfillEvent } from '../../state/backfill-event.js';
import { isLater } from '../../state/event.stream.js';

/** A reader this far behind is let go: it comes back and goes on where it was. */
const MOST_BUFFERED_BYTES = 1_000_000;
const RECONNECT_MS = 2_000;

/** One open stream of server-sent events; tells each event once, in order. */
export class SseStream {
  private readonly waiting: BackfillEvent[] = [];
  private readonly heartbeat: NodeJS.Timeout;
  private caughtUp = false;
  private last: string | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly backfill: string | undefined,
    heartbeatMs: number,
  ) {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Proxies must neither keep nor gather nor compress what is to arrive at once.
      'Cache-Control': 'no-cache, no-store, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    this.write(`retry: ${RECONNECT_MS}\n\n`);
    this.heartbeat = setInterval(() => this.write(': alive\n\n'), heartbeatMs);
    this.heartbeat.unref();
  }

  /** Tells an event that just happened, after those that are still being caught up with. */
  live(event: BackfillEvent): void {
    if (this.caughtUp) {
      this.tell(event);
    } else {
      this.waiting.push(event);
    }
  }

  /** Tells an event, unless a later one was told before. */
  tell(event: BackfillEvent): void {
    if (this.last !== undefined && !isLater(event.id, this.last)) {
      return;
    }
    this.last = event.id;
    if (this.backfill === undefined || this.backfill === event.backfill) {
      this.write(`id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`);
    }
  }

  /** Says that events were missed that cannot be told any more: whoever listens has to read anew. */
  reset(): void {
    this.write('event: reset\ndata: {}\n\n');
  }

  goLive(): void {
    this.caughtUp = true;
    for (const event of this.waiting.splice(0)) {
      this.tell(event);
    }
  }

  close(): void {
    clearInterval(this.heartbeat);
    this.response.end();
  }

  private write(text: string): void {
    if (this.response.destroyed || this.response.writableEnded) {
      return;
    }
    this.response.write(text);
    if (this.response.writableLength > MOST_BUFFERED_BYTES) {
      this.response.destroy();
    }
  }
}
