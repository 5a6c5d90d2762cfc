import { Inject, Injectable } from '@nestjs/common';
import { Observable, exhaustMap, filter, map, of, share, take } from 'rxjs';
import { endsWithin } from '../async/timeout.js';
import { BackfillKeys } from './backfill-keys.js';
import { REDIS_CLIENT } from './redis-connections.js';
import type { RedisClient } from './redis-connections.js';

const TIMEOUT_MS = 2_000;
const CHECK_EVERY_MS = 500;
/** Longer than the second between two commands of the watchdog. */
const RECENT_MS = 1_500;

/** A timer that does not keep the process alive for a request whose client has left. */
const checks = new Observable<void>((subscriber) => {
  const timer = setInterval(() => subscriber.next(), CHECK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
});

/**
 * Checks whether Redis answers now. Commands of the library wait for a reconnect however long it takes: that suits
 * work, but not HTTP requests.
 */
@Injectable()
export class RedisHealth {
  /** Emits once, when Redis does not answer. */
  readonly lost: Observable<void> = checks.pipe(
    exhaustMap(() => (this.hasAnsweredRecently ? of(true) : this.isResponsive())),
    filter((responsive) => !responsive),
    map(() => undefined),
    take(1),
    share(),
  );
  private pinging: Promise<boolean> | undefined;
  /** By `performance.now()`. */
  private answeredAt = -Infinity;

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Whether Redis answers within so many ms, two seconds by default. */
  async isResponsive(ms = TIMEOUT_MS): Promise<boolean> {
    const ping = this.ping();
    return (await endsWithin(ping, ms)) && ping;
  }

  /** Redis has answered a command: a check may do without one of its own. */
  noteAnswer(): void {
    this.answeredAt = performance.now();
  }

  /** Whether Redis is connected and has answered the last command of the watchdog; asks nothing. */
  get hasAnsweredRecently(): boolean {
    return this.client.status === 'ready' && performance.now() - this.answeredAt < RECENT_MS;
  }

  /** At most one command is pending: more would accumulate in the offline queue of the connection. */
  private ping(): Promise<boolean> {
    this.pinging ??= this.client
      // In a cluster this key selects the node that holds the keys of the library.
      .exists(this.keys.active)
      .then(
        () => true,
        // Redis is loading its data, has no master, or the connection is closed.
        () => false,
      )
      .finally(() => {
        this.pinging = undefined;
      });
    return this.pinging;
  }
}
