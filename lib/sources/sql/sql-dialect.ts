import type { EntityManager } from '@mikro-orm/core';
import type { RowTotal } from '../backfill-source.js';
import {
  DatabaseTimestamp,
  hasUtcOffset,
  microsecondsOf,
  parseTimestamp,
} from '../keys/database-timestamp.js';
import type { KeyProperty, UnsupportedReason } from '../keys/key-property.js';
import type { SourceTable } from '../source-scope.js';
import type { SqlManager } from './sql-manager.js';

/** What differs between SQL databases when keys are read. */
export interface SqlDialect {
  /** Whether the database uses an index for a row-value comparison such as `(a, b) > (x, y)`. */
  readonly rowValueComparisons: boolean;
  /** Whether the driver reads integers above 2^53 without rounding. */
  readonly exactIntegers: boolean;
  /** Whether the database has arrays, as SQL:1999 and PostgreSQL do. */
  readonly arrays: boolean;
  /** SQL that converts a key to text without loss. */
  toText(expression: string, column: KeyProperty): string;
  /** Whether the text of a boolean means true. */
  isTrue(text: string): boolean;
  /** Parses the text of a date. Default: as MikroORM hydrates it. */
  parseDate?(em: EntityManager, text: string): Date;
  /** Converts a value of `from` or `to` to the format in which keys are read. Default: no conversion. */
  normalize?(em: EntityManager, column: KeyProperty, value: unknown): unknown;
  /** Why a column cannot be a sort column. Default: any column can. */
  unsupportedReason?(column: KeyProperty): UnsupportedReason | undefined;
  /**
   * A statement for the definition of a column in the database: `not_null` (1 or 0) and the name of its SQL `type`.
   * Default: unknown.
   */
  selectColumn?(em: EntityManager, table: SourceTable, column: string): string;
  /** Estimates how many rows the statements return; `undefined` if they are few enough to be counted. */
  estimateRows?(em: SqlManager, statements: readonly string[]): Promise<RowTotal | undefined>;
  /** Whether the database needs a sort for a statement. Default: unknown. */
  requiresSort?(em: EntityManager, statement: string): Promise<boolean>;
}

/** Parses the text of a key to the entity's type. */
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

/** The `Date` that MikroORM hydrates: a text without UTC offset is in the time zone of its configuration. */
export function parseDateText(em: EntityManager, text: string): Date {
  const platform = em.getPlatform();
  const zone = platform.getTimezone();
  const zoned = !zone || zone === 'local' || hasUtcOffset(text) ? text : text + zone;
  const parsed: unknown = platform.parseDate(zoned);
  return parsed instanceof Date ? parsed : new Date(parseTimestamp(text));
}

/** An instant as the text of a column without an offset, such that MikroORM reads the same instant. */
export function columnTime(em: EntityManager, { text, date }: DatabaseTimestamp): DatabaseTimestamp {
  const written = formatDate(em, date);
  const shift = date.getTime() - parseDateText(em, written).getTime();
  const shifted = shift === 0 ? written : formatDate(em, new Date(date.getTime() + shift));
  return new DatabaseTimestamp(shifted + (shifted.includes('.') ? microsecondsOf(text) : ''), date);
}

/** A date as MikroORM writes it, without the offset. */
function formatDate(em: EntityManager, date: Date): string {
  const literal = em.getPlatform().formatQuery('?', [date]).replaceAll("'", '');
  return literal.replace(/(?:Z|[+-]\d\d:?\d\d)$/, '');
}
