import { TableNotFoundException } from '@mikro-orm/core';
import type { EntityManagers } from '../execution/entity-managers.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { postgresOf } from '../sources/sql-access.js';
import { BACKFILL_ENTITIES } from './ledger.entities.js';

interface Meta {
  readonly className: string;
  readonly primaryKeys: readonly string[];
}

/** Sees at start whether the app has what the ledger needs. */
export class LedgerChecker {
  constructor(private readonly managers: EntityManagers) {}

  /**
   * Throws `BackfillDefinitionError` that names the line to add. A database that does not answer is not an
   * error of the app: what could not be seen then is answered.
   */
  async check(): Promise<unknown> {
    const { em } = this.managers.orm;
    if (!postgresOf(em)) {
      throw new BackfillDefinitionError(
        `BackfillModule has ledger: true, which needs PostgreSQL, but MikroORM has ${em.getPlatform().constructor.name}. ` +
          'Leave the ledger out, or give the backfills a MikroORM of their own on PostgreSQL with contextName.',
      );
    }
    // Up to release 6 of MikroORM these are the values of an object, from then on those of a map.
    const all: unknown = this.managers.orm.getMetadata().getAll();
    const known: readonly Meta[] = all instanceof Map ? [...all.values()] : Object.values(Object(all));
    for (const schema of BACKFILL_ENTITIES) {
      const meta = known.find(({ className }) => className === schema.meta.className);
      if (!meta) {
        throw new BackfillDefinitionError(
          'BackfillModule has ledger: true, but MikroORM does not know the entities of the ledger. Add them:\n' +
            "  MikroOrmModule.forRoot({ entities: [..., ...BACKFILL_ENTITIES], ... }),   // import { BACKFILL_ENTITIES } from 'nestjs-backfill'",
        );
      }
      try {
        await this.managers.fork().find(schema, {}, { limit: 1, fields: [...meta.primaryKeys] });
      } catch (error) {
        if (error instanceof TableNotFoundException) {
          throw new BackfillDefinitionError(
            `BackfillModule has ledger: true, but the table ${schema.meta.tableName} is missing. Add a migration ` +
              'with this line in its up (PostgreSQL), or let MikroORM make one (npx mikro-orm migration:create):\n' +
              "  await createLedgerSchema(this);   // import { createLedgerSchema } from 'nestjs-backfill'",
            { cause: error },
          );
        }
        return error;
      }
    }
    return null;
  }
}
