import type { EntityManager } from '@mikro-orm/core';
import type { JournaledColumn, JournaledTable } from './journaled-table.js';

/** The primary key of a row `alias`, as the journal has it. */
export function keyText({ keys }: JournaledTable, alias: string): string {
  const texts = keys.map(({ quoted }) => `${alias}.${quoted}::text`);
  return texts.length === 1 ? String(texts[0]) : `json_build_array(${texts.join(', ')})::text`;
}

/** Whether the row `alias` has the primary key that the journal has as `text`. */
export function hasKey({ keys }: JournaledTable, alias: string, text: string): string {
  return keys
    .map(({ quoted, type }, at) => {
      const value = keys.length === 1 ? text : `(${text}::json->>${at})`;
      return `${alias}.${quoted} = ${value}::${type}`;
    })
    .join(' and ');
}

/** A hash of a text in SQL; `null` of `null`. */
export function hashOf(text: string): string {
  // Not by a collation of the column, which may take different texts for equal ones.
  return `hashtextextended(${text} collate "C", 0)`;
}

/** Whether two texts in SQL differ, where `null` is a value like any. */
export function differ(left: string, right: string): string {
  return `(${left} is distinct from (${right}) collate "C")`;
}

/** Whether the column of the row `alias` has the value whose hash is in `hashes`, which is `jsonb`. */
export function hasHash(
  em: EntityManager,
  { name, quoted }: JournaledColumn,
  alias: string,
  hashes: string,
): string {
  const hash = hashOf(`${alias}.${quoted}::text`);
  return `coalesce(to_jsonb(${hash}), 'null'::jsonb) = ${hashes}->${em.getPlatform().quoteValue(name)}`;
}
