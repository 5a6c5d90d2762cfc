import type { JsonValue, SourcePartition } from '../sources/backfill-source.js';

/** The cursor as people see it: of the one partition, or by partition. */
export function publicCursor(
  partitions: readonly SourcePartition[],
  cursors: ReadonlyMap<string, JsonValue>,
): JsonValue {
  if (partitions.length <= 1) {
    return cursors.get(partitions[0]?.name ?? '') ?? null;
  }
  return Object.fromEntries(partitions.map(({ name }) => [name, cursors.get(name) ?? null]));
}
