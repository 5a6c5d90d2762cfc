import type { ServerResponse } from 'node:http';
import type { BackfillEvent } from '../../state/backfill-event.js';
import { EVERY_BACKFILL } from '../../state/global-hold.js';
import { isLater } from '../../state/event-entry.js';

/** A client that reads too slowly is disconnected; it reconnects and resumes with `Last-Event-ID`. */
const MAX_BUFFERED_BYTES = 1_000_000;
const RECONNECT_MS = 2_000;

/** One stream of server-sent events: each event once, in order. */
export class SseStream {
  private readonly pending: BackfillEvent[] = [];
  private readonly heartbeat: NodeJS.Timeout;
  private isReplaying = true;
  private lastId: string | undefined;

  /** @param backfill name of the only backfill whose events are sent, with those about all backfills; `undefined`: all */
  constructor(
    private readonly response: ServerResponse,
    private readonly backfill: string | undefined,
    heartbeatMs: number,
  ) {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Proxies must not cache, compress or buffer the stream.
      'Cache-Control': 'no-cache, no-store, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    this.write(`retry: ${RECONNECT_MS}\n\n`);
    this.heartbeat = setInterval(() => this.write(': alive\n\n'), heartbeatMs);
    this.heartbeat.unref();
  }

  /** Sends a new event, after the replay where that is still in progress. */
  sendLive(event: BackfillEvent): void {
    if (this.isReplaying) {
      this.pending.push(event);
    } else {
      this.send(event);
    }
  }

  /** Sends an event, unless it or a later one was sent before. */
  send(event: BackfillEvent): void {
    if (this.lastId !== undefined && !isLater(event.id, this.lastId)) {
      return;
    }
    this.lastId = event.id;
    if (this.backfill === undefined || [this.backfill, EVERY_BACKFILL].includes(event.backfill)) {
      this.write(`id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`);
    }
  }

  /** Reports that events were missed which cannot be replayed: the client has to load the state again. */
  sendReset(): void {
    this.write('event: reset\ndata: {}\n\n');
  }

  /** Sends the events that came in during the replay; from now on they are sent at once. */
  endReplay(): void {
    this.isReplaying = false;
    for (const event of this.pending.splice(0)) {
      this.send(event);
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
    if (this.response.writableLength > MAX_BUFFERED_BYTES) {
      this.response.destroy();
    }
  }
}
