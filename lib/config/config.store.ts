import { Injectable, Inject } from '@nestjs/common';
import { BackfillConfigError } from '../errors/backfill-config.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { resolveConfig } from './backfill-config.js';
import type { BackfillConfig, BackfillConfigPatch } from './backfill-config.js';
import { decodeConfigPatch, encodeConfigPatch } from './config-codec.js';

const VERSION = '_version';

/** The config in force, and its version for a conditional change. */
export interface ConfigInForce {
  readonly config: BackfillConfig;
  /** The values in Redis, which override the defaults. */
  readonly patch: BackfillConfigPatch;
  readonly version: string;
}

/** Stores the config values that operators set. They override the defaults of the module and the decorator. */
@Injectable()
export class ConfigStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Throws `BackfillConfigError` that names the field when a value in Redis is corrupt. */
  async read(backfill: string, defaults: readonly BackfillConfigPatch[]): Promise<ConfigInForce> {
    const { [VERSION]: version, ...hash } = await this.client.hgetall(this.keys.config(backfill));
    const patch = decodeConfigPatch(hash, { backfill, origin: 'redis' });
    return { config: resolveConfig(...defaults, patch), patch, version: version ?? '0' };
  }

  /**
   * Sets values; returns `null` when the config changed since `version`. The event has the previous values: without
   * `version` the write is repeated until no other change came between (optimistic locking).
   */
  async write(
    backfill: string,
    activeRun: string | null,
    patch: BackfillConfigPatch,
    event: Readonly<Record<string, unknown>>,
    { version, defaults = [] }: { version?: string; defaults?: readonly BackfillConfigPatch[] } = {},
  ): Promise<string | null> {
    for (;;) {
      const { [VERSION]: current = '0', ...hash } = await this.client.hgetall(this.keys.config(backfill));
      const from = valuesBefore(backfill, hash, patch, defaults);
      const [set, now] = await scripts.configure.run(
        this.client,
        this.keys,
        { backfill, runId: activeRun ?? '' },
        [
          backfill,
          version ?? current,
          JSON.stringify({ ...event, from }),
          ...Object.entries(encodeConfigPatch(patch)).flat(),
        ],
      );
      if (set === 1) {
        return now;
      }
      if (version !== undefined) {
        return null;
      }
    }
  }
}

/** The previous value as JSON; the raw text where it is corrupt, which this change may be about to repair. */
function valuesBefore(
  backfill: string,
  hash: Readonly<Record<string, string>>,
  patch: BackfillConfigPatch,
  defaults: readonly BackfillConfigPatch[],
): Record<string, unknown> {
  let before: Readonly<Record<string, unknown>>;
  try {
    before = { ...resolveConfig(...defaults, decodeConfigPatch(hash, { backfill, origin: 'redis' })) };
  } catch (error) {
    if (!(error instanceof BackfillConfigError)) {
      throw error;
    }
    before = hash;
  }
  return Object.fromEntries(Object.keys(patch).map((key) => [key, before[key] ?? null]));
}
