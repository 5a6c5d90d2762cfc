import { isPlainObject } from './plain-filter.js';
import type { DatabasePartition } from './source-options.js';

const KEYS = new Set(['contextName', 'where']);

/** Whether a partition is in a database of its own, rather than a filter. */
export function isDatabasePartition(partition: unknown): partition is DatabasePartition<object> {
  return (
    isPlainObject(partition) &&
    typeof Reflect.get(partition, 'contextName') === 'string' &&
    Reflect.ownKeys(partition).every((key) => typeof key === 'string' && KEYS.has(key))
  );
}

/** The filter of a partition, wherever its rows are. */
export function filterOfPartition(partition: unknown): unknown {
  return isDatabasePartition(partition) ? partition.where : partition;
}
