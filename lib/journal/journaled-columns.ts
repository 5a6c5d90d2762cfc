import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { entityOf } from '../sources/source-entity.js';
import type { RunJournal } from './run-journal.js';

/** Which columns of an entity `undo.columns` has journaled: it names properties of the entity that is walked. */
export function journaledColumns(
  { name, source, undo }: Pick<RegisteredBackfill, 'name' | 'source' | 'undo'>,
  em: EntityManager,
): RunJournal['columnsOf'] {
  const columns = undo?.columns;
  const entity = columns && entityOf(source, { em, backfill: name });
  return (meta) => (columns && entity && meta.root === entity.root ? fieldsOf(meta, columns) : null);
}

function fieldsOf(meta: EntityMetadata, properties: readonly string[]): readonly string[] {
  return properties.flatMap((name) => meta.properties[name as never]?.['fieldNames'] ?? []);
}
