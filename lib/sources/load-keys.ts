import type { BackfillSource, JsonValue, SourceContext } from './backfill-source.js';

/** Loads rows by their keys, with those that no longer match the filter of the source where it is `unfiltered`. */
export async function loadKeys(
  source: BackfillSource,
  context: SourceContext,
  keys: readonly JsonValue[],
  partition: string,
  unfiltered: boolean,
): Promise<unknown[]> {
  const rows =
    unfiltered && source.loadKeysUnfiltered
      ? source.loadKeysUnfiltered(context, keys, partition)
      : source.loadKeys?.(context, keys, partition);
  return (await rows) ?? [];
}
