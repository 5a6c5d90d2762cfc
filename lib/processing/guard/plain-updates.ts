import { JsonType, ReferenceKind } from '@mikro-orm/core';
import type { ChangeSet, EntityManager, EntityProperty } from '@mikro-orm/core';
import type { PlainKeys } from '../../database/plain-keys.js';
import { textLiteral } from '../../database/text-literal.js';
import type { ColumnType, TableColumns } from './table-columns.js';

/** The parts of a statement that updates rows from a table of values. */
export interface PlainUpdates {
  /** A table of the values, with the primary keys as `key`. */
  readonly values: string;
  /** What is set of a row `e`, from its values `v`. */
  readonly assignments: string;
  /** Names of the columns that are set. */
  readonly columns: readonly string[];
  /** The columns that the types of the values were chosen for, as pairs of a name and a type. */
  readonly types: readonly string[];
}

interface WrittenColumn {
  readonly property: string;
  /** Of the column. */
  readonly name: string;
  readonly quoted: string;
  readonly type: ColumnType;
  /** Names of its value, and of whether there is one, in the table of values. */
  readonly value: string;
  readonly isWritten: string;
  /** Whether some of the rows keep the value that they have. */
  readonly partial: boolean;
}

/** Characters of text in one statement. MikroORM splits what is longer into several. */
const MAX_TEXT = 8 * 1024 * 1024;

type Payload = Readonly<Record<string, unknown>>;

/** What JSON can hold of a value. */
type JsonScalar = string | number | boolean | null;
type JsonRow = Record<string, JsonScalar>;

/**
 * The parts of one statement for the updates of many rows of a table; `null` where a column or a value has a form that
 * only MikroORM knows to write.
 *
 * @param keys of the rows, in the order of the changes
 */
export function plainUpdatesOf(
  em: EntityManager,
  changes: readonly ChangeSet<object>[],
  keys: PlainKeys,
  columns: TableColumns,
): PlainUpdates | null {
  const written = writtenColumns(em, changes, columns);
  const keyType = columns.get(keys.column);
  const rows = written && rowsOf(em, changes, keys, written);
  if (!keyType || !rows) {
    return null;
  }
  const json = JSON.stringify(rows);
  // MikroORM writes these characters in a way of its own.
  if (/\\u(?:0000|d[89a-f])/.test(json)) {
    return null;
  }
  const definitions = written.flatMap(({ type, value, isWritten, partial }) => [
    `${value} ${type.isJson ? 'text' : type.name}`,
    ...(partial ? [`${isWritten} boolean`] : []),
  ]);
  return {
    values:
      `select * from json_to_recordset(${textLiteral(json)}) ` +
      `as v(key ${keyType.name}, ${definitions.join(', ')})`,
    assignments: written.map(assignmentOf).join(', '),
    columns: written.map(({ name }) => name),
    types: [{ name: keys.column, type: keyType }, ...written].map(
      ({ name, type }) => `(${em.getPlatform().quoteValue(name)}, ${type.oid})`,
    ),
  };
}

function assignmentOf({ quoted, type, value, isWritten, partial }: WrittenColumn): string {
  const given = type.isJson ? `v.${value}::${type.name}` : `v.${value}`;
  return `${quoted} = ${partial ? `case when v.${isWritten} then ${given} else e.${quoted} end` : given}`;
}

function writtenColumns(
  em: EntityManager,
  changes: readonly ChangeSet<object>[],
  columns: TableColumns,
): WrittenColumn[] | null {
  const counts = new Map<string, number>();
  for (const { payload } of changes) {
    for (const property in payload) {
      counts.set(property, (counts.get(property) ?? 0) + 1);
    }
  }
  const properties = (changes[0]?.meta.properties ?? {}) as Partial<Record<string, EntityProperty>>;
  const written: WrittenColumn[] = [];
  for (const [name, count] of counts) {
    const property = properties[name];
    const [column, ...others] = property?.fieldNames ?? [];
    const type = column === undefined ? undefined : columns.get(column);
    if (!property || column === undefined || !type || others.length > 0 || !isPlain(property, type)) {
      return null;
    }
    written.push({
      property: name,
      name: column,
      quoted: em.getPlatform().quoteIdentifier(column),
      type,
      value: `v${written.length}`,
      isWritten: `w${written.length}`,
      partial: count < changes.length,
    });
  }
  return written.length > 0 ? written : null;
}

/** Whether MikroORM writes a property as the value that its change has. */
function isPlain({ kind, customType }: EntityProperty, type: ColumnType): boolean {
  if (kind !== ReferenceKind.SCALAR) {
    return false;
  }
  return customType instanceof JsonType
    ? type.isJson
    : !(customType && 'convertToDatabaseValueSQL' in customType);
}

function rowsOf(
  em: EntityManager,
  changes: readonly ChangeSet<object>[],
  { values }: PlainKeys,
  written: readonly WrittenColumn[],
): JsonRow[] | null {
  const rows: JsonRow[] = [];
  let text = 0;
  for (const [index, change] of changes.entries()) {
    const payload = change.payload as Payload;
    text += textLength(payload);
    const row = text > MAX_TEXT ? null : rowOf(em, String(values[index]), payload, written);
    if (!row) {
      return null;
    }
    rows.push(row);
  }
  return rows;
}

function textLength(payload: Payload): number {
  let length = 0;
  for (const property in payload) {
    const value = payload[property];
    length += typeof value === 'string' ? value.length : 0;
  }
  return length;
}

function rowOf(
  em: EntityManager,
  key: string,
  payload: Payload,
  written: readonly WrittenColumn[],
): JsonRow | null {
  const row: JsonRow = { key };
  for (const { property, type, value, isWritten, partial } of written) {
    if (!(property in payload)) {
      continue;
    }
    const scalar = scalarOf(em, payload[property], type);
    if (scalar === undefined) {
      return null;
    }
    row[value] = scalar;
    if (partial) {
      row[isWritten] = true;
    }
  }
  return row;
}

/** `undefined` for a value that is not written as the text that JSON or `String` would make of it. */
function scalarOf(em: EntityManager, value: unknown, { isFractional }: ColumnType): JsonScalar | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'undefined':
      return null;
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isSafeInteger(value) || (isFractional && Number.isFinite(value)) ? value : undefined;
    default:
      return value === null ? null : value instanceof Date ? timeOf(em, value) : undefined;
  }
}

/** A time as the platform writes it, in the time zone that the app has configured. */
function timeOf(em: EntityManager, value: Date): string | undefined {
  const quoted: unknown = em.getPlatform().quoteValue(value);
  return /^'(?<text>[^'\\]+)'$/.exec(String(quoted))?.groups?.['text'];
}
