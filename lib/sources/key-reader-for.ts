import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import type { KeyReader } from './key-reader.js';
import { portableKeyReader } from './portable-key.reader.js';
import { postgresOf } from './postgres-access.js';
import { postgresKeyReader } from './postgres-key.reader.js';

/** The fastest reader that an entity's driver allows. */
export function keyReaderFor(em: EntityManager, meta: EntityMetadata): KeyReader {
  const { virtual, tptParent } = meta as { virtual?: boolean; tptParent?: unknown };
  // Neither has one table with all of its columns.
  const plainTable = virtual !== true && tptParent === undefined;
  return plainTable && postgresOf(em) ? postgresKeyReader : portableKeyReader;
}
