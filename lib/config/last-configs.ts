import type { BackfillConfig, BackfillConfigPatch } from './backfill-config.js';
import { configValues } from './config.store.js';

type Hash = Readonly<Record<string, string>>;

interface ResolvedConfig {
  readonly hash: Hash;
  readonly defaults: readonly BackfillConfigPatch[];
  readonly config: BackfillConfig;
}

/** Resolves configs that are read again and again: that of a backfill only where Redis stores another one than the last time. */
export class LastConfigs {
  private readonly last = new Map<string, ResolvedConfig>();

  /** The same as `configValues`; frozen. */
  of(backfill: string, hash: Hash, defaults: readonly BackfillConfigPatch[]): BackfillConfig {
    const before = this.last.get(backfill);
    if (before?.defaults === defaults && isSame(before.hash, hash)) {
      return before.config;
    }
    const config = configValues(backfill, hash, defaults);
    this.last.set(backfill, { hash, defaults, config });
    return config;
  }
}

function isSame(one: Hash, other: Hash): boolean {
  const fields = Object.keys(one);
  return (
    one === other ||
    (fields.length === Object.keys(other).length && fields.every((field) => one[field] === other[field]))
  );
}
