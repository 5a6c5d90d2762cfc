import {
  BigIntType,
  BlobType,
  BooleanType,
  CharacterType,
  DateTimeType,
  DateType,
  DecimalType,
  DoubleType,
  type EntityMetadata,
  type EntityProperty,
  EnumType,
  FloatType,
  IntegerType,
  MediumIntType,
  ReferenceKind,
  SmallIntType,
  StringType,
  TextType,
  TimeType,
  TinyIntType,
  type Type,
  Uint8ArrayType,
  UuidType,
} from '@mikro-orm/core';

/** The JavaScript type of a key, which determines how its values are read and compared. */
export type KeyType = 'number' | 'bigint' | 'string' | 'date' | 'boolean' | 'bytes' | 'object-id';

/** An entity property that can be a sort column. */
export interface KeyProperty {
  /** Path of the property; `address.city` for a property of an embeddable. */
  readonly path: string;
  /** Name of the column, without quotes. */
  readonly column: string;
  /** SQL type of the column; a document database has none. */
  readonly columnType: string;
  readonly type: KeyType;
  /** Whether the column stores integers, whatever their JavaScript type. */
  readonly integer: boolean;
  readonly nullable: boolean;
  /** Converts values in filters; `undefined`: they are passed as they are. */
  readonly customType?: Type<unknown, unknown> | undefined;
  /** Fractional digits of a second that the column stores, if the entity declares them. */
  readonly precision: number | undefined;
}

/** Why a property cannot be a sort column: `received` and `remedy` of a `BackfillSourceError`. */
export interface UnsupportedReason {
  readonly received: string;
  readonly remedy: string;
}

export type KeyPropertyLookup =
  | { readonly supported: true; readonly property: KeyProperty }
  | { readonly supported: false; readonly reason: UnsupportedReason };

const INTEGER_COLUMN = /^(?:(?:tiny|small|medium|big)?int(?:eger)?|int[248]|(?:small|big)?serial)\b/i;

const KEY_TYPES: Readonly<Record<string, KeyType>> = {
  number: 'number',
  bigint: 'bigint',
  string: 'string',
  Date: 'date',
  boolean: 'boolean',
  Buffer: 'bytes',
  Uint8Array: 'bytes',
  ObjectId: 'object-id',
};

/** A custom type may not preserve order and equality of the stored values. */
const ORDER_PRESERVING_TYPES: ReadonlySet<unknown> = new Set([
  BigIntType,
  BlobType,
  BooleanType,
  CharacterType,
  DateTimeType,
  DateType,
  DecimalType,
  DoubleType,
  EnumType,
  FloatType,
  IntegerType,
  MediumIntType,
  SmallIntType,
  StringType,
  TextType,
  TimeType,
  TinyIntType,
  Uint8ArrayType,
  UuidType,
]);

/**
 * Finds a property in the entity's metadata, or the reason why it cannot be a sort column. Nullable properties
 * are supported here, because a filter of the source may exclude nulls.
 *
 * @internal
 */
export function findKeyProperty(meta: EntityMetadata, path: string): KeyPropertyLookup {
  const property = propertyAt(meta, path);
  if (!property) {
    return unsupported('no such property', `${meta.className} has ${propertyNames(meta)}.`);
  }
  if (property.persist === false || property.formula || !property.fieldNames?.length) {
    return unsupported(`${describe(property)}, which has no column`, 'Use a persistent property.');
  }
  if (property.object || (property.embedded?.[0] !== undefined && isJson(meta, property))) {
    return unsupported('a part of a JSON column', 'Store it in a separate column.');
  }
  const value = valueProperty(property);
  if (!value) {
    return unsupported(
      describe(property),
      'Use a scalar property, or a to-one relation whose key is a single column.',
    );
  }
  // MikroORM sets no runtime type for an ObjectId of an entity that is defined by an `EntitySchema`.
  const type = KEY_TYPES[value.runtimeType] ?? (value.type === 'ObjectId' ? 'object-id' : undefined);
  const columnType = property.columnTypes?.[0] ?? value.columnTypes?.[0] ?? '';
  if (!type && isUnknownType(value)) {
    return unsupported(
      `a column of ${columnType} whose type in JavaScript MikroORM does not know`,
      `If it is a string, say so: { columnType: '${columnType}', runtimeType: 'string' }.`,
    );
  }
  if (!type || (value.customType && !preservesValues(value.customType))) {
    return unsupported(describe(value), 'Use a column of numbers, text, dates, booleans, bytes or UUIDs.');
  }
  const integer = isIntegerProperty(value, columnType);
  if (type === 'number' && !integer) {
    return unsupported(
      `${describe(value)} in a column of ${columnType}, whose values JavaScript may round`,
      'Use an integer, or map a decimal as a string.',
    );
  }
  return {
    supported: true,
    property: {
      path,
      column: property.fieldNames[0] ?? '',
      columnType,
      type,
      integer,
      nullable: property.nullable === true,
      customType: value.customType,
      precision: value.length ?? precisionOf(columnType),
    },
  };
}

function unsupported(received: string, remedy: string): KeyPropertyLookup {
  return { supported: false, reason: { received, remedy } };
}

function propertyAt(meta: EntityMetadata, path: string): EntityProperty | undefined {
  const [head = '', ...rest] = path.split('.');
  let property = (meta.properties as Record<string, EntityProperty | undefined>)[head];
  for (const name of rest) property = property?.embeddedProps?.[name];
  return property;
}

function isJson(meta: EntityMetadata, property: EntityProperty): boolean {
  const owner = (meta.properties as Record<string, EntityProperty | undefined>)[property.embedded?.[0] ?? ''];
  return owner?.object === true || (owner?.embedded !== undefined && isJson(meta, owner));
}

/** The property that stores the value: the property itself, or the primary key of a to-one relation. */
function valueProperty(property: EntityProperty): EntityProperty | undefined {
  if (property.fieldNames.length !== 1) return undefined;
  if (property.kind === ReferenceKind.SCALAR) return property;
  if (property.kind !== ReferenceKind.MANY_TO_ONE && property.kind !== ReferenceKind.ONE_TO_ONE)
    return undefined;
  const target = property.targetMeta;
  const [key, ...others] = target?.primaryKeys ?? [];
  if (!target || key === undefined || others.length > 0) return undefined;
  return valueProperty(target.properties[key] as EntityProperty);
}

/** Whether a type of MikroORM preserves the order and the equality of the stored values. */
export function preservesValues(customType: object): boolean {
  return ORDER_PRESERVING_TYPES.has(customType.constructor);
}

/** Whether the column of a property stores integers, whatever their JavaScript type. */
export function isIntegerProperty({ customType }: EntityProperty, columnType: string): boolean {
  // A document database has no column types: `number` is all the metadata says.
  return customType instanceof BigIntType || INTEGER_COLUMN.test(columnType) || columnType === 'number';
}

/** Whether the property has a type that only the database knows, such as citext and inet. */
function isUnknownType({ runtimeType, type, customType, array }: EntityProperty): boolean {
  return !customType && array !== true && (runtimeType === 'unknown' || runtimeType === type);
}

function precisionOf(columnType: string): number | undefined {
  const digits = /^(?:timestamp|datetime)\w*\s?\((\d)\)/i.exec(columnType)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function describe({ kind, type, runtimeType, array }: EntityProperty): string {
  if (kind !== ReferenceKind.SCALAR) return `a relation or embeddable (${kind} ${type})`;
  return array ? `an array of ${type}` : `${type} (${runtimeType} in JavaScript)`;
}

function propertyNames(meta: EntityMetadata): string {
  return Object.values<EntityProperty>(meta.properties)
    .filter((property) => property.kind === ReferenceKind.SCALAR && !property.embedded)
    .map(({ name }) => name)
    .join(', ');
}
