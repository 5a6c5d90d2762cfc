import type { EntityManager } from '@mikro-orm/core';
import { DatabaseTime, timeOfText } from './key-codec.js';
import type { KeyProperty } from './key-property.js';

/** SQL that shows a key as text without rounding it. */
export function textExpression(expression: string, { kind }: KeyProperty): string {
  return kind === 'bytes' ? `encode(${expression}, 'hex')` : `${expression}::text`;
}

/** Reads the text of `textExpression` back as the entity's type. */
export function valueOfText(em: EntityManager, { kind }: KeyProperty, text: string): unknown {
  switch (kind) {
    case 'number':
      return Number(text);
    case 'bigint':
      return BigInt(text);
    case 'boolean':
      return text === 'true';
    case 'bytes':
      return Buffer.from(text, 'hex');
    case 'date':
      return new DatabaseTime(text, dateOfText(em, text));
    default:
      return text;
  }
}

/** As MikroORM hydrates a `Date`: text without an offset is in the time zone that the app has set. */
function dateOfText(em: EntityManager, text: string): Date {
  const platform = em.getPlatform();
  const zone = platform.getTimezone();
  const hasOffset = /[+-]\d\d(?::?\d\d)*$/.test(text.slice(10)) || text.endsWith('Z');
  const zoned = !zone || zone === 'local' || hasOffset ? text : text + zone;
  const parsed: unknown = platform.parseDate(zoned);
  return parsed instanceof Date ? parsed : new Date(timeOfText(text));
}
