import { Inject, Injectable } from '@nestjs/common';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { decodeHold, EVERY_BACKFILL, publicHold } from './global-hold.js';
import type { GlobalHold, HoldOptions, HoldReceipt } from './global-hold.js';
import { parseEnd } from './parse-end.js';
import type { ActionOptions } from './run-actions.js';

const MAX_REASON = 500;
const REASON = `a text of 1 to ${MAX_REASON} characters`;

/** Stores the hold of all runs. */
@Injectable()
export class HoldStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** @throws BackfillRequestError where there is no reason, or `until` is no time in the future */
  async hold({ by, reason, until }: HoldOptions): Promise<HoldReceipt> {
    if (typeof reason !== 'string' || reason.trim() === '' || reason.length > MAX_REASON) {
      throw new BackfillRequestError(EVERY_BACKFILL, 'reason', REASON, reason);
    }
    const end = until === undefined ? '' : parseEnd(EVERY_BACKFILL, until);
    const [kind, json] = await scripts.holdAll.run(this.client, this.keys, undefined, [
      by ?? '',
      reason,
      end,
    ]);
    if (kind === 'past') {
      throw new BackfillRequestError(
        EVERY_BACKFILL,
        'until',
        'a time in the future',
        new Date(end).toISOString(),
      );
    }
    const hold = decodeHold(json);
    return { hold: hold && publicHold(hold), changed: kind === 'held' };
  }

  async release({ by, reason }: ActionOptions): Promise<HoldReceipt> {
    const released = await scripts.releaseAll.run(this.client, this.keys, undefined, [
      by ?? '',
      reason ?? '',
    ]);
    return { hold: null, changed: released === 1 };
  }

  /** The hold in force; `null` where there is none. */
  async read(): Promise<GlobalHold | null> {
    const hold = decodeHold(await scripts.globalHold.run(this.client, this.keys, undefined, []));
    return hold && publicHold(hold);
  }
}
