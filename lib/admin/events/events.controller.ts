import { Get, Inject, Logger, Query, Req, Res } from '@nestjs/common';
import { eventsQuery } from '../admin.requests.js';
import { header, rawResponse } from '../http/admin-request.js';
import type { AdminRequest, AdminResponse } from '../http/admin-request.js';
import { parseRequest } from '../http/parse-request.js';
import { SseStreams } from './sse-streams.js';

/** Serves server-sent events. Not with `@Sse`: interceptors of the app would map each event. */
export abstract class EventsController {
  @Inject(SseStreams) private readonly streams!: SseStreams;
  private readonly logger = new Logger('Backfill');

  @Get('events')
  events(@Query() query: unknown, @Req() request: AdminRequest, @Res() response: AdminResponse): void {
    const { backfill, lastEventId } = parseRequest(eventsQuery, query);
    this.streams.throwIfClosed();
    const raw = rawResponse(response);
    if (request.method === 'HEAD') {
      raw.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' }).end();
      return;
    }
    this.streams
      .serve(raw, backfill, header(request, 'last-event-id') ?? lastEventId)
      .catch((error: unknown) => {
        this.logger.warn(`An event stream is closed after an error: ${String(error)}`);
        raw.destroy();
      });
  }
}
