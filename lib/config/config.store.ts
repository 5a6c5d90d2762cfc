import { LuaScript } from '../redis/lua-script.js';
import type { RedisClient } from '../redis/lua-script.js';
import type { BackfillKeys } from '../tracking/backfill-keys.js';
import { resolveConfig } from './backfill-config.js';
import { decodeConfigPatch, encodeConfigPatch } from './config-codec.js';
import type { BackfillConfig, BackfillConfigPatch } from './backfill-config.js';

const VERSION = '_version';

/** The config in force, and the version that a change may be made from. */
export interface ConfigInForce {
  readonly config: BackfillConfig;
  /** What Redis holds on top of the defaults. */
  readonly patch: BackfillConfigPatch;
  readonly version: string;
}

/** Keeps what operators tuned. What is kept wins over the defaults of module and decorator. */
export class ConfigStore {
  private readonly configure = LuaScript.load<[number, string]>('configure', 7);

  constructor(
    private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Throws `BackfillConfigError` that names the field when a value in Redis is corrupt. */
  async read(backfill: string, defaults: readonly BackfillConfigPatch[]): Promise<ConfigInForce> {
    const { [VERSION]: version, ...hash } = await this.client.hgetall(this.keys.config(backfill));
    const patch = decodeConfigPatch(hash, { backfill, origin: 'redis' });
    return { config: resolveConfig(...defaults, patch), patch, version: version ?? '0' };
  }

  /** Sets values; answers `null` when somebody else changed the config since `version`. */
  async write(
    backfill: string,
    activeRun: string | null,
    patch: BackfillConfigPatch,
    event: Readonly<Record<string, unknown>>,
    version?: string,
  ): Promise<string | null> {
    const [set, now] = await this.configure.run(
      this.client,
      [...this.keys.script(activeRun ?? ''), this.keys.config(backfill)],
      [backfill, version ?? '', JSON.stringify(event), ...Object.entries(encodeConfigPatch(patch)).flat()],
    );
    return set === 1 ? now : null;
  }
}
