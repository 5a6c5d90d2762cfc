import { Injectable, Inject } from '@nestjs/common';
import { BackfillConfigError } from '../errors/backfill-config.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { resolveConfig } from './backfill-config.js';
import type { BackfillConfig, BackfillConfigPatch } from './backfill-config.js';
import { decodeConfigPatch, encodeConfigPatch } from './config-codec.js';
import { configOrigins } from './config-origins.js';
import type { ConfigOrigins } from './config-origins.js';

const VERSION = '_version';

/**
 * The config in force.
 *
 * @publicApi
 */
export interface ConfigInForce {
  /** Every key with its value. */
  readonly config: BackfillConfig;
  /** The keys that operators have set. They override the defaults of `@Backfill` and `BackfillModule`. */
  readonly patch: BackfillConfigPatch;
  /** Where the value of each key comes from. */
  readonly origins: ConfigOrigins;
  /** Changes with every `configure`. Pass it as `version` of a change for optimistic locking. */
  readonly version: string;
}

/** Stores the config values that operators have set. */
@Injectable()
export class ConfigStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Throws `BackfillConfigError` that names the field where a value in Redis is corrupt. */
  async read(backfill: string, defaults: readonly BackfillConfigPatch[]): Promise<ConfigInForce> {
    const hash = await this.client.hgetall(this.keys.config(backfill));
    return configInForce(backfill, hash, defaults);
  }

  /**
   * Sets values and returns the new version, or `null` where the config is no longer at `version`. The event contains
   * the previous values, so without `version` the write is retried until it is based on the current one.
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
          configAfter(backfill, hash, patch, defaults),
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

/** Resolves a config that Redis stores. Throws as `ConfigStore.read` does. */
export function configInForce(
  backfill: string,
  { [VERSION]: version, ...hash }: Readonly<Record<string, string>>,
  defaults: readonly BackfillConfigPatch[],
): ConfigInForce {
  const patch = decodeConfigPatch(hash, { backfill, origin: 'redis' });
  return {
    config: resolveConfig(...defaults, patch),
    patch,
    origins: configOrigins(defaults, patch),
    version: version ?? '0',
  };
}

/** The values of a config that Redis stores, without where they come from. Throws as `ConfigStore.read` does. */
export function configValues(
  backfill: string,
  hash: Readonly<Record<string, string>>,
  defaults: readonly BackfillConfigPatch[],
): BackfillConfig {
  return resolveConfig(...defaults, decodeConfigPatch(hash, { backfill, origin: 'redis' }));
}

/** The config with a change as JSON; empty where the stored config is corrupt. */
function configAfter(
  backfill: string,
  hash: Readonly<Record<string, string>>,
  patch: BackfillConfigPatch,
  defaults: readonly BackfillConfigPatch[],
): string {
  const changed = { ...hash, ...encodeConfigPatch(patch) };
  try {
    return JSON.stringify(configValues(backfill, changed, defaults));
  } catch (error) {
    if (!(error instanceof BackfillConfigError)) {
      throw error;
    }
    return '';
  }
}

/** The previous values of the changed keys: as raw text where the stored config is corrupt. */
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
