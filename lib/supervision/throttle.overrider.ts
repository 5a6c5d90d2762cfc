import { Inject, Injectable } from '@nestjs/common';
import { nearestKey } from '../config/nearest-key.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import { throttleNames } from '../pacing/throttle-names.js';
import { RedisClock } from '../redis/redis.clock.js';
import { OverrideStore } from '../state/override.store.js';
import type { OverrideOptions, OverrideReceipt } from '../state/override.store.js';

/** Loosens and tightens the throttles of a backfill for a time. */
@Injectable()
export class ThrottleOverrider {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly store: OverrideStore,
    private readonly clock: RedisClock,
  ) {}

  /** @throws BackfillRequestError where the backfill has no such throttle, or the factor or the end is invalid */
  async override(backfill: HandledBackfill, options: OverrideOptions): Promise<OverrideReceipt> {
    const names = throttleNames(this.options, backfill);
    if (!names.includes(options.throttle)) {
      // Callers without types pass anything.
      const asked: unknown = options.throttle;
      const expected =
        names.length === 0
          ? 'a throttle, of which it has none'
          : `one of its throttles: ${names.join(', ')} (did you mean ${nearestKey(String(asked), names)}?)`;
      throw new BackfillRequestError(backfill.name, 'throttle', expected, asked);
    }
    const changed = await this.store.set(backfill.name, options);
    return { overrides: await this.store.read(backfill.name, await this.clock.now()), changed };
  }
}
