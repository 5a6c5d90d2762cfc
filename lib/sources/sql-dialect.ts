import type { EntityManager } from '@mikro-orm/core';
import type { RowTotal } from './backfill-source.js';
import { timeOfText } from './key-codec.js';
import type { KeyProperty, KeyRefusal } from './key-property.js';
import type { SqlManager } from './sql-access.js';

/** What differs from database to database in reading keys. */
export interface SqlDialect {
  /** Whether one comparison of whole rows finds its place in an index. */
  readonly rowComparisons: boolean;
  /** Whether the driver loads integers past 2^53 with all their digits. */
  readonly exactIntegers: boolean;
  /** SQL that shows a key as text without rounding it. */
  text(expression: string, column: KeyProperty): string;
  /** Reads that text back as the entity's type. */
  value(em: EntityManager, column: KeyProperty, text: string): unknown;
  /** A value that was given from outside, as `value` would answer it. Default: as it stands. */
  adopt?(em: EntityManager, column: KeyProperty, value: unknown): unknown;
  /** Why the database cannot walk a column in its own order. Default: it can. */
  refuse?(column: KeyProperty): KeyRefusal | undefined;
  /** How many rows these statements answer, where that can be told without counting them. */
  estimate?(em: SqlManager, statements: readonly string[]): Promise<RowTotal | undefined>;
  /** Whether the database sorts for a statement; `undefined` where it cannot be told. */
  sorts?(em: EntityManager, statement: string): Promise<boolean>;
}

/** As MikroORM hydrates a `Date`: text without an offset is in the time zone that the app has set. */
export function dateOfText(em: EntityManager, text: string): Date {
  const platform = em.getPlatform();
  const zone = platform.getTimezone();
  const zoned = !zone || zone === 'local' || hasOffset(text) ? text : text + zone;
  const parsed: unknown = platform.parseDate(zoned);
  return parsed instanceof Date ? parsed : new Date(timeOfText(text));
}

/** Whether a point in time is written with its distance from UTC. */
export function hasOffset(text: string): boolean {
  return /[+-]\d\d(?::?\d\d)*$/.test(text.slice(10)) || text.endsWith('Z');
}
