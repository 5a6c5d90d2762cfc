import type { EntityMetadata } from '@mikro-orm/core';
import type { BackfillSource, SourceContext } from './backfill-source.js';
import { IdRangeSource } from './id-range/id-range.source.js';
import { KeysetSource } from './keyset/keyset.source.js';

/** Whether a source is known to load its rows from the database with the entity manager that it is given. */
export function readsDatabase(source: BackfillSource): boolean {
  return source instanceof IdRangeSource || source instanceof KeysetSource;
}

/** The entity that a source is known to load; `null` for a source of the app's own. */
export function entityOf(source: BackfillSource, context: SourceContext): EntityMetadata | null {
  return source instanceof IdRangeSource || source instanceof KeysetSource ? source.metadata(context) : null;
}
