import type { KeyQuery } from '../../../../lib/sources/keys/key-reader.js';
import { collectedColumn } from '../../../../lib/sources/sql/key-statements.js';
import { postgresDialect } from '../../../../lib/sources/sql/postgres.dialect.js';
import { sqliteDialect } from '../../../../lib/sources/sql/sqlite.dialect.js';

const PAGE = { batchSize: 100, limit: 10_000 };

function queryOf(...columnTypes: readonly string[]): KeyQuery {
  return { columns: columnTypes.map((columnType) => ({ columnType, integer: true })) } as unknown as KeyQuery;
}

describe('the keys that are collected in an array', () => {
  it.each(['int', 'int4', 'int8', 'integer', 'smallint', 'bigint', 'serial', 'bigserial'])(
    'are of one column of %s',
    (type) => {
      expect(collectedColumn(queryOf(type), postgresDialect, PAGE)).toMatchObject({ columnType: type });
    },
  );

  it.each([
    ['of a numeric that is mapped to a bigint, whose values differ in length', queryOf('numeric(20)'), PAGE],
    ['of intervals', queryOf('interval'), PAGE],
    ['of two columns', queryOf('int', 'int'), PAGE],
    ['of ranges of one row', queryOf('int'), { batchSize: 1, limit: 100 }],
    ['of more than 100,000 rows', queryOf('int'), { batchSize: 100, limit: 100_001 }],
  ])('are not those %s', (_, query, page) => {
    expect(collectedColumn(query, postgresDialect, page)).toBeUndefined();
  });

  it('are none on a database without arrays', () => {
    expect(collectedColumn(queryOf('int'), sqliteDialect, PAGE)).toBeUndefined();
  });
});
