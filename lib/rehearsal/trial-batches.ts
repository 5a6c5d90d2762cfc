import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { entryOfKeys } from '../processing/guard/rounds.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { RangeEntry } from '../state/range-entry.js';

/** A batch that was handled as a whole. */
export interface HandledBatch {
  readonly entry: RangeEntry;
  /** Of its rows. */
  readonly keys: readonly JsonValue[];
}

/** Batches without a row in common: a place of a large walk may be drawn twice. */
export function distinctBatches(batches: readonly HandledBatch[]): HandledBatch[] {
  const seen = new Set<string>();
  return batches.filter(({ keys }) => {
    const texts = keys.map((key) => JSON.stringify(key));
    const isNew = texts.every((text) => !seen.has(text));
    texts.forEach((text) => seen.add(text));
    return isNew;
  });
}

/** All of their rows as one batch; `null` where single rows cannot be loaded, or have several partitions. */
export function combinedBatch(
  { shape, source }: Pick<RegisteredBackfill, 'shape' | 'source'>,
  batches: readonly HandledBatch[],
): RangeEntry | null {
  const [first] = batches;
  const partitions = new Set(batches.map(({ entry }) => entry.payload.partition));
  const canLoad = shape === 'batch' && source.keyOf && source.loadKeys && partitions.size === 1;
  return first && canLoad && batches.length > 1
    ? entryOfKeys(
        first.entry,
        batches.flatMap(({ keys }) => keys),
      )
    : null;
}
