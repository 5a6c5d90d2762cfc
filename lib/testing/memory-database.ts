import { MikroORM } from '@mikro-orm/core';
import type { Options } from '@mikro-orm/core';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { HarnessDatabaseError } from './harness-database.error.js';
import { sqliteDriver } from './sqlite-driver.js';

const IN_MEMORY = ':memory:';

/** What creates the tables: `create` in MikroORM 7, `createSchema` in MikroORM 6. */
interface SchemaGenerator {
  create?(): Promise<void>;
  createSchema?(): Promise<void>;
}

/**
 * Opens an empty SQLite database in memory, with the tables of the entities of a source and of those in the options.
 *
 * @throws HarnessDatabaseError when there is no driver or no entity, or the tables cannot be created
 */
export async function openMemoryDatabase(
  { name, source }: Pick<RegisteredBackfill, 'name' | 'source'>,
  options: Partial<Options>,
): Promise<MikroORM> {
  const entities = [...new Set<unknown>([...(source.entities?.() ?? []), ...(options.entities ?? [])])];
  if (entities.length === 0) {
    throw new HarnessDatabaseError(
      `BackfillHarness of backfill "${name}" expected entities for its in-memory database, got none from a source ` +
        `of kind "${source.kind}". Pass those that the handler uses: { orm: { entities: [Customer] } }.`,
    );
  }
  const driver = options.driver ?? (await sqliteDriver(name));
  try {
    return await openSqlite({ ...options, driver, entities: entities as Options['entities'] });
  } catch (cause) {
    if (cause instanceof HarnessDatabaseError) {
      throw cause;
    }
    throw new HarnessDatabaseError(
      `The in-memory SQLite database of backfill "${name}" cannot be created: ${String(cause)}\n` +
        'Give MikroORM the options that the entities need: new BackfillHarness(handler, { orm: { metadataProvider, ' +
        'entities } }). Where they need a database of another kind, such as for its functions in defaults, give an ' +
        'entity manager of one: new BackfillHarness(handler, { em: orm.em }).',
      { cause },
    );
  }
}

async function openSqlite(options: Partial<Options>): Promise<MikroORM> {
  // MikroORM 6 connects in `init` unless `connect` is false. An undefined URL takes precedence over that of the environment.
  const settings = { ...options, dbName: IN_MEMORY, clientUrl: undefined, connect: false };
  const orm = await MikroORM.init(settings as Partial<Options>);
  const opened = orm.config.get('dbName');
  if (opened !== IN_MEMORY) {
    // MikroORM 6 prefers its variables in the environment to all options.
    throw new HarnessDatabaseError(
      `Expected the database ${IN_MEMORY}, got ${opened} from the variables MIKRO_ORM_* of the environment. ` +
        'Unset them in tests.',
    );
  }
  try {
    const schema = orm.schema as unknown as SchemaGenerator;
    await (schema.create ? schema.create() : schema.createSchema?.());
  } catch (error) {
    await orm.close(true);
    throw error;
  }
  return orm;
}
