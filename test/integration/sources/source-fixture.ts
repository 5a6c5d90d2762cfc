import { MikroORM } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../support/databases/index.js';
import type { SourceContext } from '../../../lib/sources/backfill-source.js';
import { schemas, type ItemRow } from './item.entity.js';

export interface SourceFixture {
  readonly orm: MikroORM;
  readonly database: TestDatabase;
  /** A context with a new fork. */
  context(): SourceContext;
  /** Replaces all rows. */
  replaceRows(rows: readonly ItemRow[]): Promise<void>;
}

export async function openSourceFixture(): Promise<SourceFixture> {
  const database = await createTestDatabase();
  const orm = await MikroORM.init({ entities: schemas, clientUrl: database.url });
  await database.query('CREATE SCHEMA "other schema"');
  await orm.schema.create();
  await database.query(`INSERT INTO owners SELECT g, 'owner ' || g % 2 FROM generate_series(0, 9) g`);
  return {
    orm,
    database,
    context: () => ({ em: orm.em.fork(), backfill: 'update-items' }),
    replaceRows: async (rows) => {
      await database.query('TRUNCATE "other schema".items');
      await database.query(
        `INSERT INTO "other schema".items
           (id, "the number", digits, code, uuid, amount, at, naive, day, flag, bytes, address_city, owner_id, sparse, hidden)
         SELECT id, coalesce(number, id % 1000), coalesce(digits, id), coalesce(code, 'code ' || id),
                coalesce(uuid, md5(id::text)::uuid), coalesce(amount, id), coalesce(at, now()),
                coalesce(naive, localtimestamp), coalesce(day, '2020-01-01'), coalesce(flag, false),
                coalesce(bytes, 'x')::bytea, coalesce(city, 'Ulm'), coalesce(owner_id, 0), sparse,
                coalesce(hidden, false)
           FROM json_to_recordset($1) AS row (id bigint, number int, digits bigint, code text, uuid uuid,
                amount numeric, at timestamptz, naive timestamp, day date, flag boolean, bytes text, city text,
                owner_id int, sparse int, hidden boolean)`,
        [JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))],
      );
    },
  };
}
