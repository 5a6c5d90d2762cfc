import { Injectable, Inject, Logger } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { LogOnce } from '../async/log-once.js';
import { sleep } from '../async/sleep.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT, REDIS_READER } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { BackfillEvent, BackfillEventData, BackfillEventType } from './backfill-event.js';
import { encodeEvent, isLater, toEvent } from './event-entry.js';

const BLOCK_MS = 5_000;
const RETRY_MS = 500;
const PAGE = 500;
const MAX_LENGTH = 10_000;

/**
 * The Redis stream of the events of all backfills. The scripts write it, and every process reads it on a connection
 * of its own: it also tells the workers of a process to start and to stop. After an outage a process resumes where it
 * was.
 */
@Injectable()
export class EventStream {
  private readonly logger = new Logger('Backfill');
  private readonly log = new LogOnce(this.logger);
  private readonly subject = new Subject<BackfillEvent>();
  private reading: Promise<void> | undefined;
  private closed = false;
  private last = '$';

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    @Inject(REDIS_READER) private readonly reader: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  get events(): Observable<BackfillEvent> {
    return this.subject.asObservable();
  }

  /** Begins to follow the stream: every event after this has returned is emitted. */
  async open(): Promise<void> {
    const [newest] = await this.client.xrevrange(this.keys.events, '+', '-', 'COUNT', 1);
    this.last = newest?.[0] ?? '0-0';
    this.reading = this.follow();
  }

  async append<Type extends BackfillEventType>(
    type: Type,
    backfill: string,
    runId: string | null,
    data: BackfillEventData[Type],
  ): Promise<void> {
    const entry = encodeEvent(type, backfill, runId, data);
    await this.client.xadd(this.keys.events, 'MAXLEN', '~', MAX_LENGTH, '*', ...entry);
  }

  /** A page of events after this one, oldest first; empty at the end of the stream. */
  async after(id: string): Promise<BackfillEvent[]> {
    for (let last = id; ;) {
      const entries = await this.client.xrange(this.keys.events, `(${last}`, '+', 'COUNT', PAGE);
      const newest = entries.at(-1);
      const events = entries.map(toEvent).filter((event) => event !== null);
      if (events.length > 0 || !newest) {
        return events;
      }
      last = newest[0];
    }
  }

  /** Whether all events after this one are still in the stream, which is trimmed to its newest entries. */
  async canResumeAfter(id: string): Promise<boolean> {
    const [oldest] = await this.client.xrange(this.keys.events, '-', '+', 'COUNT', 1);
    return oldest !== undefined && !isLater(oldest[0], id);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.reader.disconnect();
    await this.reading;
    this.subject.complete();
  }

  private async follow(): Promise<void> {
    while (!this.closed) {
      try {
        await this.readOnce();
        this.log.recover();
      } catch (error) {
        if (this.closed) {
          return;
        }
        this.log.warn(
          `Cannot read the event stream (${String(error)}); reading continues when Redis answers`,
        );
        await sleep(RETRY_MS);
      }
    }
  }

  private async readOnce(): Promise<void> {
    const { events: key } = this.keys;
    const reply = await this.reader.xread('COUNT', PAGE, 'BLOCK', BLOCK_MS, 'STREAMS', key, this.last);
    for (const entry of reply?.[0]?.[1] ?? []) {
      this.last = entry[0];
      const event = toEvent(entry);
      if (event) {
        this.subject.next(event);
      }
    }
  }
}
