import { MikroORM, type EntitySchema, type Options } from '@mikro-orm/postgresql';
import type { SourceContext } from '../../../lib/sources/backfill-source.js';
import { createTestDatabase, type TestDatabase } from '../../support/databases/index.js';

export interface TableFixture {
  readonly orm: MikroORM;
  readonly database: TestDatabase;
  /** A context with a new fork. */
  context(): SourceContext;
}

/** A database with tables made by SQL, which may differ from what the entities declare. */
export async function openTables(
  ddl: string,
  entities: readonly EntitySchema[],
  options: Options = {},
): Promise<TableFixture> {
  const database = await createTestDatabase();
  await database.query(ddl);
  const orm = await MikroORM.init({ entities: [...entities], clientUrl: database.url, ...options });
  return { orm, database, context: () => ({ em: orm.em.fork(), backfill: 'update-rows' }) };
}
