import type { BackfillConfig, BackfillConfigPatch } from './backfill-config.js';
import { CONFIG_KEYS } from './backfill-config.schema.js';

/**
 * Where the value of a config key comes from: an operator set it (`configure`, or `config` of `start`), `config` of
 * `@Backfill`, `config` of `BackfillModule`, or the default of the library.
 *
 * @publicApi
 */
export type ConfigValueOrigin = 'operator' | 'decorator' | 'module' | 'default';

/**
 * Where the value of each config key comes from.
 *
 * @publicApi
 */
export type ConfigOrigins = { readonly [Key in keyof BackfillConfig]: ConfigValueOrigin };

/**
 * Where each value of a config in force comes from.
 *
 * @param defaults in the order in which they are applied: of the module, of the decorator
 * @param patch what operators have set
 */
export function configOrigins(
  defaults: readonly BackfillConfigPatch[],
  patch: BackfillConfigPatch,
): ConfigOrigins {
  const [decorator = {}, module = {}] = defaults.toReversed();
  const origins = CONFIG_KEYS.map((key): [string, ConfigValueOrigin] => {
    if (patch[key] !== undefined) return [key, 'operator'];
    if (decorator[key] !== undefined) return [key, 'decorator'];
    return [key, module[key] === undefined ? 'default' : 'module'];
  });
  return Object.fromEntries(origins) as ConfigOrigins;
}
