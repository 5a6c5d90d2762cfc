import type { EntityManager, EntityName, MikroORM } from '@mikro-orm/core';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { HarnessDatabaseError } from './harness-database.error.js';
import type { HarnessOptions } from './harness-options.js';
import { openMemoryDatabase } from './memory-database.js';
import { MemoryTables } from './memory-tables.js';
import { RowSeeder } from './row.seeder.js';

/** The method of an entity manager, for an entity that is known only at run time. */
interface UntypedEntityManager {
  find(entity: unknown, where: unknown, options: object): Promise<object[]>;
}

/** The database of a harness: the given one, or one in memory, which is opened when it is first used. */
export class HarnessDatabase {
  private opening: Promise<MikroORM> | undefined;
  private manager: EntityManager | undefined;
  private seeder = new RowSeeder();

  constructor(
    private readonly backfill: Pick<RegisteredBackfill, 'name'>,
    private readonly options: Pick<HarnessOptions, 'em' | 'orm'>,
  ) {
    if (options.em !== undefined && options.orm !== undefined) {
      throw new HarnessDatabaseError(
        `BackfillHarness of backfill "${backfill.name}" expected either \`em\` or \`orm\`, got both. \`orm\` has the ` +
          'options of the in-memory database, which is opened where no `em` is given.',
      );
    }
    this.manager = options.em;
  }

  /**
   * @param backfill whose source has the entities of a database in memory
   * @throws HarnessDatabaseError when the database in memory cannot be opened
   */
  async open({ source }: Pick<RegisteredBackfill, 'source'>): Promise<void> {
    if (this.manager === undefined) {
      const { name } = this.backfill;
      this.opening ??= openMemoryDatabase({ name, source }, this.options.orm ?? {});
      this.manager = (await this.opening).em;
    }
  }

  /** A fork of its own. The database has to be open. */
  fork(): EntityManager {
    if (this.manager === undefined) {
      throw new HarnessDatabaseError('The database of the harness is not open.');
    }
    return this.manager.fork({ clear: true, disableContextResolution: true });
  }

  /** Creates rows, with values by their types for what they leave out. */
  async seed(entity: EntityName, rows: readonly object[]): Promise<object[]> {
    const em = this.fork();
    const created = this.seeder.create(em, entity, rows);
    await em.flush();
    return created;
  }

  /** Reads rows in the order of their primary key. */
  async rows(entity: EntityName, where: unknown): Promise<object[]> {
    const em = this.fork();
    const orderBy = em.getMetadata(entity).primaryKeys.map((key) => ({ [key]: 'asc' }));
    const untyped = em as unknown as UntypedEntityManager;
    return untyped.find(entity, where ?? {}, { orderBy, filters: false });
  }

  /**
   * The tables of the in-memory database.
   *
   * @throws HarnessDatabaseError when the harness was given an entity manager: its rows are not the harness's own
   */
  tables(): MemoryTables {
    if (this.options.em !== undefined) {
      throw new HarnessDatabaseError(
        `expectIdempotent of backfill "${this.backfill.name}" expected \`reset\` and \`snapshot\`, because the harness was ` +
          'given an entity manager. It restores and compares by itself only its own in-memory database.',
      );
    }
    return new MemoryTables(this.fork());
  }

  /** Closes the in-memory database; a given one is left open. */
  async close(): Promise<void> {
    const { opening } = this;
    this.opening = undefined;
    this.manager = this.options.em;
    this.seeder = new RowSeeder();
    await opening?.then(
      (orm) => orm.close(true),
      () => undefined,
    );
  }
}
