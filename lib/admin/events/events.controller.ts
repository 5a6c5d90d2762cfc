import { Get, Inject, Logger, Query, Req, Res } from '@nestjs/common';
import { eventsQuery } from '../admin.requests.js';
import { header, takeOver } from '../http/admin-request.js';
import type { AdminRequest, AdminResponse } from '../http/admin-request.js';
import { parseRequest } from '../http/parse-request.js';
import { SseStreams } from './sse-streams.js';

/** Serves the events as a stream. Written by hand, as interceptors of the app would change its events. */
export abstract class EventsController {
  @Inject(SseStreams) private readonly streams!: SseStreams;
  private readonly logger = new Logger('Backfill');

  @Get('events')
  events(@Query() query: unknown, @Req() request: AdminRequest, @Res() response: AdminResponse): void {
    const { backfill, lastEventId } = parseRequest(eventsQuery, query);
    this.streams.checkOpen();
    const raw = takeOver(response);
    if (request.method === 'HEAD') {
      raw.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' }).end();
      return;
    }
    this.streams
      .serve(raw, backfill, header(request, 'last-event-id') ?? lastEventId)
      .catch((error: unknown) => {
        this.logger.warn(`A stream of events is cut: ${String(error)}`);
        raw.destroy();
      });
  }
}
