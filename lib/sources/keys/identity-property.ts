import {
  ArrayType,
  type EntityManager,
  type EntityMetadata,
  type EntityProperty,
  IntervalType,
  JsonType,
  ReferenceKind,
} from '@mikro-orm/core';
import { asSqlManager, sqlFamily } from '../sql/sql-manager.js';
import { type UnsupportedReason, isIntegerProperty, preservesValues } from './key-property.js';

/** A column of the primary key, by which MikroORM tells rows apart and updates them. */
export interface IdentityProperty {
  /** Name in the entity; of the relation, where the column belongs to the key of another entity. */
  readonly path: string;
  readonly property: EntityProperty;
}

const EXACT_TYPES = new Set(['string', 'bigint', 'boolean', 'Buffer', 'Uint8Array', 'ObjectId']);

/** The columns of an entity's primary key; those of the related entity where the key is a relation. */
export function identityProperties(meta: EntityMetadata): IdentityProperty[] {
  return meta.primaryKeys.flatMap((name: string) => {
    const property = meta.properties[name] as EntityProperty;
    return property.kind === ReferenceKind.SCALAR || !property.targetMeta
      ? [{ path: name, property }]
      : identityProperties(property.targetMeta).map(({ property: part }) => ({ path: name, property: part }));
  });
}

/** Why MikroORM cannot update a row by a column of its primary key; `undefined` if it can, or only the rows tell. */
export function unsuitableIdentity(
  em: EntityManager,
  { property }: IdentityProperty,
): UnsupportedReason | undefined {
  const { runtimeType, customType } = property;
  const columnType = property.columnTypes?.[0] ?? '';
  const remedy = 'Use a range handler, or a primary key of integers, text or UUIDs.';
  if (runtimeType === 'Date') {
    return { received: `a Date (${columnType}), and MikroORM updates no row by it`, remedy };
  }
  if (
    customType instanceof IntervalType ||
    customType instanceof JsonType ||
    customType instanceof ArrayType
  ) {
    return { received: `an object (${columnType}), and MikroORM updates no row by it`, remedy };
  }
  if (runtimeType === 'number' && !isIntegerProperty(property, columnType) && !isDouble(em, columnType)) {
    return {
      received: `a number in a column of ${columnType}, which JavaScript may round`,
      remedy: `${remedy} Or map a decimal as a string.`,
    };
  }
  return undefined;
}

/** Whether the rows may have JavaScript values that are not exact: integers as numbers, or a type unknown to MikroORM. */
export function mayBeInexact({ property }: IdentityProperty): boolean {
  const { runtimeType, columnTypes } = property;
  if (runtimeType === 'number') return isIntegerProperty(property, columnTypes?.[0] ?? '');
  return !EXACT_TYPES.has(runtimeType);
}

/** Whether only the rows tell if the JavaScript values of the column are those of the database. */
export function isConverted({ property }: IdentityProperty): boolean {
  return property.customType !== undefined && !preservesValues(property.customType);
}

/** A column of double precision, whose values are numbers of JavaScript, as all numbers of document databases are. */
function isDouble(em: EntityManager, columnType: string): boolean {
  const hasDoublesOnly = !asSqlManager(em) || sqlFamily(em) === 'sqlite';
  return hasDoublesOnly ? !/^(?:dec|num)/i.test(columnType) : /^(?:double|float8)/i.test(columnType);
}
