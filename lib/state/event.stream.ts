import { Injectable, Inject, Logger } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { LogOnce } from '../async/log-once.js';
import { sleep } from '../async/sleep.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT, REDIS_READER } from '../redis/redis-connections.js';
import type { BackfillEvent, BackfillEventType } from './backfill-event.js';

const BLOCK_MS = 5_000;
const RETRY_MS = 500;
const PAGE = 500;
const KEEP = 10_000;

/** An entry of a stream as ioredis gives it. */
export type StreamEntry = [id: string, fields: string[]];

/**
 * The stream of what happens, written by the scripts and read by every process on a connection of its
 * own: it is the control channel of the workers too. A process that was cut off goes on where it was.
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

  /** Begins to follow the stream; what happens after this returned is not missed. */
  async open(): Promise<void> {
    const [newest] = await this.client.xrevrange(this.keys.events, '+', '-', 'COUNT', 1);
    this.last = newest?.[0] ?? '0-0';
    this.reading = this.follow();
  }

  async append(
    type: BackfillEventType,
    backfill: string,
    runId: string | null,
    data: BackfillEvent['data'],
  ): Promise<void> {
    await this.client.xadd(
      this.keys.events,
      'MAXLEN',
      '~',
      KEEP,
      '*',
      'type',
      type,
      'backfill',
      backfill,
      'run',
      runId ?? '',
      'data',
      JSON.stringify(data),
    );
  }

  /** What happened after an event, oldest first, at most 500. */
  async after(id: string): Promise<BackfillEvent[]> {
    const entries = await this.client.xrange(this.keys.events, `(${id}`, '+', 'COUNT', PAGE);
    return entries.map(toEvent);
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
        const answer = await this.reader.xread(
          'COUNT',
          PAGE,
          'BLOCK',
          BLOCK_MS,
          'STREAMS',
          this.keys.events,
          this.last,
        );
        this.log.recover();
        const entries = answer?.[0]?.[1] ?? [];
        for (const entry of entries) {
          this.last = entry[0];
          this.subject.next(toEvent(entry));
        }
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
}

/** Whether an event came after another. */
export function isLater(id: string, than: string): boolean {
  const [ms = 0, sequence = 0] = id.split('-').map(Number);
  const [thanMs = 0, thanSequence = 0] = than.split('-').map(Number);
  return ms > thanMs || (ms === thanMs && sequence > thanSequence);
}

/** Reads an entry as the scripts write it. */
export function toEvent([id, fields]: StreamEntry): BackfillEvent {
  const field = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    field.set(fields[i] ?? '', fields[i + 1] ?? '');
  }
  return {
    id,
    type: field.get('type') as BackfillEventType,
    backfill: field.get('backfill') ?? '',
    runId: field.get('run') || null,
    at: new Date(Number(id.split('-')[0])).toISOString(),
    data: JSON.parse(field.get('data') || '{}') as BackfillEvent['data'],
  };
}
