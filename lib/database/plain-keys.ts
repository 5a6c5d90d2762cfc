import { helper } from '@mikro-orm/core';
import type { EntityMetadata } from '@mikro-orm/core';
import { textLiteral } from './text-literal.js';

/** Primary keys that are one column each. */
export interface PlainKeys {
  readonly column: string;
  readonly values: readonly PlainKey[];
}

/** A value that PostgreSQL and JavaScript write alike as text. */
type PlainKey = number | string | bigint;

/** The primary keys of entities; `null` where they are of several columns, or of values whose text is not known. */
export function plainKeysOf(meta: EntityMetadata, entities: readonly object[]): PlainKeys | null {
  const [property, ...others] = meta.getPrimaryProps();
  const [column, ...otherColumns] = property?.fieldNames ?? [];
  if (!property || column === undefined || others.length + otherColumns.length > 0) {
    return null;
  }
  if (property.customType && 'convertToDatabaseValueSQL' in property.customType) {
    return null;
  }
  const values: unknown[] = entities.map((entity) => helper(entity).getPrimaryKey(true));
  return values.every(isPlain) ? { column, values } : null;
}

function isPlain(value: unknown): value is PlainKey {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint';
}

/** An array in the syntax of PostgreSQL, whose elements get the type of the column that they are compared with. */
export function arrayLiteral(values: readonly PlainKey[]): string {
  if (!values.some((value) => typeof value === 'string')) {
    return `'{${values.join(',')}}'`;
  }
  const texts = values.map(String);
  const escaped = /["\\]/.test(texts.join('')) ? texts.map(escapeElement) : texts;
  return textLiteral(`{"${escaped.join('","')}"}`);
}

function escapeElement(text: string): string {
  return text.replaceAll(/["\\]/g, String.raw`\$&`);
}
