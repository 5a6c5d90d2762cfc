import { Inject, Injectable } from '@nestjs/common';
import { exhaustMap, filter, map, share, take, timer } from 'rxjs';
import type { Observable } from 'rxjs';
import { endsWithin } from '../async/timeout.js';
import { BackfillKeys } from './backfill-keys.js';
import type { RedisClient } from './lua-script.js';
import { REDIS_CLIENT } from './redis-connections.js';

const TIMEOUT_MS = 2_000;
const CHECK_EVERY_MS = 500;

/**
 * Tells whether Redis answers now. The library's commands wait for a reconnect however long it takes, which is
 * right for work and wrong for a request.
 */
@Injectable()
export class RedisHealth {
  /** Emits once, when Redis no longer answers. */
  readonly lost: Observable<void> = timer(CHECK_EVERY_MS, CHECK_EVERY_MS).pipe(
    exhaustMap(() => this.isResponsive()),
    filter((responsive) => !responsive),
    map(() => undefined),
    take(1),
    share(),
  );
  private pinging: Promise<boolean> | undefined;

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Whether Redis answers within two seconds. */
  async isResponsive(): Promise<boolean> {
    const ping = this.ping();
    return (await endsWithin(ping, TIMEOUT_MS)) && ping;
  }

  /** One command at a time: unanswered ones would pile up in the offline queue of the connection. */
  private ping(): Promise<boolean> {
    this.pinging ??= this.client
      // A key of ours, so that of a cluster the node answers that holds the keys.
      .exists(this.keys.active)
      .then(
        () => true,
        // It refuses: it is loading its data, has no master, or the connection is closed.
        () => false,
      )
      .finally(() => {
        this.pinging = undefined;
      });
    return this.pinging;
  }
}
