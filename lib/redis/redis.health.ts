import { exhaustMap, filter, map, share, take, timer } from 'rxjs';
import type { Observable } from 'rxjs';
import type { RedisClient } from './lua-script.js';

/** How long Redis has to answer before it counts as gone. */
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 500;

/**
 * Tells whether Redis answers now. Commands wait for it however long it is gone, which is right for work and
 * wrong for somebody who asks.
 */
export class RedisHealth {
  /** Emits once, when Redis no longer answers. */
  readonly lost: Observable<void> = timer(LOOK_EVERY_MS, LOOK_EVERY_MS).pipe(
    exhaustMap(() => this.beats()),
    filter((isResponsive) => !isResponsive),
    map(() => undefined),
    take(1),
    share(),
  );
  private asked: Promise<boolean> | undefined;

  /** @param key read to find out, so that of a cluster the node is asked that holds the keys. */
  constructor(
    private readonly client: RedisClient,
    private readonly key: string,
  ) {}

  /** Whether Redis answers within two seconds. */
  async beats(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      // Where this process was busy itself, the answer has come and is read after the timers.
      timer = setTimeout(() => setImmediate(() => resolve(false)), PATIENCE_MS);
    });
    try {
      return await Promise.race([this.ask(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** One question at a time: those that nobody answers would pile up in the connection. */
  private ask(): Promise<boolean> {
    this.asked ??= this.client
      .exists(this.key)
      .then(
        () => true,
        // It refuses: it is loading, has no master, or the connection was given up.
        () => false,
      )
      .finally(() => {
        this.asked = undefined;
      });
    return this.asked;
  }
}
