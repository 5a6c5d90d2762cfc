import { ArrayType, JsonType, ReferenceKind, types } from '@mikro-orm/core';
import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';

const FIRST_TIME = Date.UTC(2026, 0, 1);
const MS_PER_SECOND = 1000;
const TO_MANY: ReadonlySet<ReferenceKind> = new Set([ReferenceKind.ONE_TO_MANY, ReferenceKind.MANY_TO_MANY]);

/** Whether a row cannot be inserted without a value for a property: neither the database nor MikroORM has one. */
export function needsValue(prop: EntityProperty, { root }: EntityMetadata): boolean {
  const hasDefault =
    prop.default !== undefined || prop.defaultRaw !== undefined || prop.onCreate !== undefined;
  const isComputed =
    prop.autoincrement === true ||
    prop.version === true ||
    prop.generated !== undefined ||
    prop.formula !== undefined ||
    prop.persist === false ||
    // MongoDB's own keys.
    (prop.primary === true && /^objectid$/i.test(prop.type));
  // Columns of an embedded object are part of its value, and MikroORM writes the discriminator.
  const isPart = prop.embedded !== undefined || prop.name === root.discriminatorColumn;
  const isInverse = TO_MANY.has(prop.kind) || (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner);
  return !(prop.nullable === true || hasDefault || isComputed || isPart || isInverse);
}

/** A value for the n-th row, different from that of the others where the type allows; `undefined` for an unknown type. */
export function sampleValue(prop: EntityProperty, n: number): unknown {
  const { customType, items = [] } = prop;
  if (prop.array === true || customType instanceof ArrayType) {
    return [];
  }
  if (items.length > 0) {
    return items[0];
  }
  if (customType instanceof JsonType) {
    return {};
  }
  // Nothing tells what a type of the app converts.
  const isKnown = customType === undefined || Object.values<unknown>(types).includes(customType.constructor);
  return isKnown ? valueOf(prop, n) : undefined;
}

function valueOf(prop: EntityProperty, n: number): unknown {
  switch (prop.runtimeType) {
    case 'string':
      return textOf(prop, n);
    case 'number':
      return n;
    case 'bigint':
      return BigInt(n);
    case 'boolean':
      return false;
    case 'Date':
      return new Date(FIRST_TIME + (n - 1) * MS_PER_SECOND);
    case 'Buffer':
      return Buffer.from([n % 256]);
    case 'Uint8Array':
      return Uint8Array.of(n % 256);
    default:
      return undefined;
  }
}

/** Types whose values are texts of a certain form. */
function textOf({ name, type, customType, columnTypes, length }: EntityProperty, n: number): string {
  const kinds = [type, customType?.constructor.name, columnTypes[0]].map((kind) =>
    String(kind)
      .toLowerCase()
      .replace(/type$|\(.*$/, ''),
  );
  const is = (...names: string[]) => kinds.some((kind) => names.includes(kind));
  if (is('uuid')) {
    return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  }
  if (is('date')) {
    return '2026-01-01';
  }
  if (is('time')) {
    return '00:00:00';
  }
  if (is('bigint', 'decimal', 'numeric')) {
    return String(n);
  }
  const text = `${name} ${n}`;
  // MikroORM 6 sets it to NaN where none is given, once it has created the tables.
  const limit = length || Infinity;
  return text.length <= limit ? text : String(n).slice(-limit);
}
