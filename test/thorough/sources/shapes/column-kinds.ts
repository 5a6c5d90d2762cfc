import {
  BigIntType,
  CharacterType,
  DecimalType,
  DoubleType,
  IntervalType,
  TimeType,
  Type,
} from '@mikro-orm/core';

/** A column of a random table: how the database stores it, how the entity maps it, and values that are hard. */
export interface ColumnKind {
  readonly name: string;
  /** Type of the column in the database. */
  readonly sql: string;
  /** The property of the entity, without its name and nullability. */
  readonly property: Readonly<Record<string, unknown>>;
  /** SQL expressions: extremes, neighbors that differ little, and texts that look like something else. */
  readonly values: readonly string[];
  /** Whether it can be a sort key. */
  readonly walkable?: true;
}

/** Stores text in lower case. */
class LowerCaseType extends Type<string, string> {
  override convertToDatabaseValue(value: string): string {
    return value.toLowerCase();
  }

  override convertToJSValue(value: string): string {
    return value.toUpperCase();
  }

  override getColumnType(): string {
    return 'text';
  }
}

const INTS = ['0', '1', '2', '-1', '7', '42', '-32768', '32767', '100', '101'];
const BIGS = [
  '0',
  '1',
  '-1',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775806',
  '5',
];
const SMALL_BIGS = ['0', '1', '-1', '5', '4294967296', '-4294967297', '12', '13', '14', '15'];
const TEXTS = [
  "''",
  "'a'",
  "'A'",
  "'b'",
  "'null'",
  "'10'",
  "'9'",
  "' a'",
  "'a '",
  "'ä'",
  "'z'",
  `'"'`,
  "'it''s'",
  "'\\'",
  "'[1]'",
  `'{"t":"x"}'`,
  "'2020-01-01'",
  "'-'",
  "'a-b'",
  "'ab'",
];
const TIMES = [
  "'2020-01-01 00:00:00'",
  "'2020-01-01 00:00:00.0001'",
  "'2020-01-01 00:00:00.0002'",
  "'2020-01-01 00:00:00.123456'",
  "'2020-01-01 00:00:00.123457'",
  "'2020-01-01 00:00:00.1239'",
  "'1969-12-31 23:59:59.999999'",
  "'2020-10-25 02:30:00'",
  "'2020-03-29 02:30:00'",
  "'0001-01-01 00:00:00'",
];
const DAYS = [
  "'2020-01-01'",
  "'2020-01-02'",
  "'2020-02-29'",
  "'1969-12-31'",
  "'0001-01-01'",
  "'9999-12-31'",
  "'2021-03-28'",
];
const NUMERICS = [
  '0',
  '1',
  '-1',
  '0.1',
  '0.10000000000000001',
  '0.10000000000000002',
  '1e20',
  '12345678901234567890.123456789',
  '1.5',
  '2.50',
];
const FLOATS = ['0', '0.1', '0.30000000000000004', '0.3', '1e300', '-1e-300', '1', '2'];
const cast = (values: readonly string[], type: string) => values.map((value) => `${value}::${type}`);

export const COLUMN_KINDS: readonly ColumnKind[] = [
  { name: 'int', walkable: true, sql: 'int', property: { type: 'integer' }, values: INTS },
  { name: 'smallint', walkable: true, sql: 'smallint', property: { type: 'smallint' }, values: INTS },
  {
    name: 'bigint',
    walkable: true,
    sql: 'bigint',
    property: { type: new BigIntType('bigint') },
    values: BIGS,
  },
  {
    name: 'bigint as text',
    walkable: true,
    sql: 'bigint',
    property: { type: new BigIntType('string') },
    values: BIGS,
  },
  {
    name: 'bigint as number',
    walkable: true,
    sql: 'bigint',
    property: { type: new BigIntType('number') },
    values: SMALL_BIGS,
  },
  {
    name: 'large bigint as number',
    sql: 'bigint',
    property: { type: new BigIntType('number') },
    values: BIGS,
  },
  {
    name: 'bigint as integer',
    walkable: true,
    sql: 'bigint',
    property: { type: 'integer' },
    values: SMALL_BIGS,
  },
  { name: 'text', walkable: true, sql: 'text', property: { type: 'text' }, values: TEXTS },
  { name: 'text C', walkable: true, sql: 'text COLLATE "C"', property: { type: 'text' }, values: TEXTS },
  { name: 'varchar', walkable: true, sql: 'varchar(20)', property: { type: 'string' }, values: TEXTS },
  { name: 'char', sql: 'char(12)', property: { type: new CharacterType(), length: 12 }, values: TEXTS },
  { name: 'citext', sql: 'citext', property: { type: 'text', columnType: 'citext' }, values: TEXTS },
  { name: 'citext as string', sql: 'citext', property: { type: 'string' }, values: TEXTS },
  { name: 'lower case', sql: 'text', property: { type: new LowerCaseType() }, values: TEXTS },
  {
    name: 'uuid',
    walkable: true,
    sql: 'uuid',
    property: { type: 'uuid' },
    values: INTS.map((n) => `md5('${n}')::uuid`),
  },
  {
    name: 'uuid as string',
    sql: 'uuid',
    property: { type: 'string', columnType: 'uuid' },
    values: INTS.map((n) => `md5('${n}')::uuid`),
  },
  {
    name: 'numeric',
    walkable: true,
    sql: 'numeric',
    property: { type: new DecimalType('string') },
    values: NUMERICS,
  },
  {
    name: 'numeric(10,2)',
    sql: 'numeric(10,2)',
    property: { type: new DecimalType('string'), precision: 10, scale: 2 },
    values: ['0', '1', '1.5', '-2.25', '99999999.99', '1.10'],
  },
  {
    name: 'numeric as number',
    sql: 'numeric',
    property: { type: new DecimalType('number') },
    values: NUMERICS,
  },
  { name: 'double', sql: 'double precision', property: { type: new DoubleType() }, values: FLOATS },
  {
    name: 'real',
    sql: 'real',
    property: { type: 'float', columnType: 'real' },
    values: FLOATS.map((value) => (value === '1e300' || value === '-1e-300' ? '3' : value)),
  },
  {
    name: 'timestamptz',
    walkable: true,
    sql: 'timestamptz',
    property: { type: 'datetime', columnType: 'timestamptz(6)' },
    values: cast(TIMES, 'timestamptz'),
  },
  {
    name: 'timestamptz undeclared',
    sql: 'timestamptz',
    property: { type: 'datetime' },
    values: cast(TIMES, 'timestamptz'),
  },
  {
    name: 'timestamptz(3)',
    sql: 'timestamptz(3)',
    property: { type: 'datetime', length: 3 },
    values: cast(TIMES, 'timestamptz'),
  },
  {
    name: 'timestamp',
    walkable: true,
    sql: 'timestamp',
    property: { type: 'datetime', columnType: 'timestamp(6)' },
    values: cast(TIMES, 'timestamp'),
  },
  { name: 'date', walkable: true, sql: 'date', property: { type: 'date' }, values: cast(DAYS, 'date') },
  {
    name: 'time',
    sql: 'time',
    property: { type: new TimeType() },
    values: cast(["'00:00'", "'12:30:01.5'", "'23:59:59.999999'", "'12:30:01.500001'"], 'time'),
  },
  {
    name: 'interval',
    sql: 'interval',
    property: { type: new IntervalType() },
    values: cast(["'1 month'", "'30 days'", "'31 days'", "'720:00:00'", "'1 day'", "'24:00'"], 'interval'),
  },
  {
    name: 'boolean',
    walkable: true,
    sql: 'boolean',
    property: { type: 'boolean' },
    values: ['true', 'false'],
  },
  {
    name: 'bytea',
    walkable: true,
    sql: 'bytea',
    property: { type: 'blob' },
    values: cast(["''", "'a'", "'\\x00'", "'\\x00ff'", "'\\xff'", "'null'"], 'bytea'),
  },
  {
    name: 'inet',
    sql: 'inet',
    property: { type: 'string', columnType: 'inet' },
    values: cast(["'10.0.0.1'", "'10.0.0.0/8'", "'::1'", "'10.0.0.2'"], 'inet'),
  },
  {
    name: 'inet as text',
    sql: 'inet',
    property: { type: 'text' },
    values: cast(["'10.0.0.1'", "'10.0.0.0/8'", "'::1'", "'10.0.0.2'"], 'inet'),
  },
  {
    name: 'enum',
    sql: 'mood',
    property: { type: 'string', enum: true, items: ['sad', 'ok', 'happy'] },
    values: cast(["'sad'", "'ok'", "'happy'"], 'mood'),
  },
  { name: 'text for int', sql: 'int', property: { type: 'text' }, values: INTS },
  {
    name: 'jsonb',
    sql: 'jsonb',
    property: { type: 'json' },
    values: cast(["'1'", "'null'", `'"a"'`, "'{}'"], 'jsonb'),
  },
];
