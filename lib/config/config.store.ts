import { Injectable, Inject } from '@nestjs/common';
import { BackfillConfigError } from '../errors/backfill-config.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { resolveConfig } from './backfill-config.js';
import type { BackfillConfig, BackfillConfigPatch } from './backfill-config.js';
import { decodeConfigPatch, encodeConfigPatch } from './config-codec.js';

const VERSION = '_version';

/** The config in force, and the version that a change may be made from. */
export interface ConfigInForce {
  readonly config: BackfillConfig;
  /** What Redis holds on top of the defaults. */
  readonly patch: BackfillConfigPatch;
  readonly version: string;
}

/** Keeps what operators tuned. What is kept wins over the defaults of module and decorator. */
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
   * Sets values; answers `null` when somebody else changed the config since `version`. The event says what
   * the values were before: without `version` it is tried until nobody came in between.
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

/** What is stored may be corrupt, and this change its repair: then the raw text says what it was. */
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
