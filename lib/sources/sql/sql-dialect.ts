import type { EntityManager } from '@mikro-orm/core';
import type { RowTotal } from '../backfill-source.js';
import { DatabaseTimestamp, hasUtcOffset, parseTimestamp } from '../keys/database-timestamp.js';
import type { KeyProperty, UnsupportedReason } from '../keys/key-property.js';
import type { SqlManager } from './sql-manager.js';

/** What differs from database to database in reading keys. */
export interface SqlDialect {
  /** Whether one comparison of whole rows finds its place in an index. */
  readonly rowValueComparisons: boolean;
  /** Whether the driver loads integers past 2^53 with all their digits. */
  readonly exactIntegers: boolean;
  /** SQL that shows a key as text without rounding it. */
  toText(expression: string, column: KeyProperty): string;
  /** Whether the text of a boolean stands for true. */
  isTrue(text: string): boolean;
  /** Reads the text of a date. Default: as MikroORM reads what the driver answers. */
  parseDate?(em: EntityManager, text: string): Date;
  /** A value that was given from outside, as the reader would answer it. Default: as it stands. */
  normalize?(em: EntityManager, column: KeyProperty, value: unknown): unknown;
  /** Why the database cannot walk a column in its own order. Default: it can. */
  unsupportedReason?(column: KeyProperty): UnsupportedReason | undefined;
  /** How many rows these statements answer, where that can be told without counting them. */
  estimateRows?(em: SqlManager, statements: readonly string[]): Promise<RowTotal | undefined>;
  /** Whether the database sorts for a statement; `undefined` where it cannot be told. */
  requiresSort?(em: EntityManager, statement: string): Promise<boolean>;
}

/** Reads the text of a key back as the entity's type. */
export function parseKeyText(
  dialect: SqlDialect,
  em: EntityManager,
  { type }: KeyProperty,
  text: string,
): unknown {
  switch (type) {
    case 'number':
      return Number(text);
    case 'bigint':
      return BigInt(text);
    case 'boolean':
      return dialect.isTrue(text);
    case 'bytes':
      return Buffer.from(text, 'hex');
    case 'date':
      return new DatabaseTimestamp(text, dialect.parseDate?.(em, text) ?? parseDateText(em, text));
    default:
      return text;
  }
}

/** As MikroORM hydrates a `Date`: text without an offset is in the time zone that the app has set. */
export function parseDateText(em: EntityManager, text: string): Date {
  const platform = em.getPlatform();
  const zone = platform.getTimezone();
  const zoned = !zone || zone === 'local' || hasUtcOffset(text) ? text : text + zone;
  const parsed: unknown = platform.parseDate(zoned);
  return parsed instanceof Date ? parsed : new Date(parseTimestamp(text));
}
