import { TableNotFoundException } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { allMetadata } from '../database/all-metadata.js';
import { EntityManagers } from '../database/entity-managers.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { asPostgresManager } from '../sources/sql/sql-manager.js';
import { BACKFILL_ENTITIES } from './ledger.entities.js';

/** Checks that the app meets the requirements of the ledger: PostgreSQL, its entities and its tables. */
@Injectable()
export class LedgerChecker {
  constructor(private readonly managers: EntityManagers) {}

  /**
   * Throws `BackfillDefinitionError` with the line to add to the app. Returns the error where the database cannot be
   * reached, and `null` otherwise.
   */
  async check(): Promise<unknown> {
    const { em } = this.managers.ormOf();
    if (!asPostgresManager(em)) {
      throw new BackfillDefinitionError(
        `BackfillModule has ledger: true, which needs PostgreSQL, but MikroORM has ${em.getPlatform().constructor.name}. ` +
          'Remove ledger: true, or use contextName to select a MikroOrmModule on PostgreSQL.',
      );
    }
    const known = allMetadata(em);
    for (const schema of BACKFILL_ENTITIES) {
      const meta = known.find(({ className }) => className === schema.meta.className);
      if (!meta) {
        throw new BackfillDefinitionError(
          'BackfillModule has ledger: true, but the entities of the ledger are not among those of MikroORM. Add them:\n' +
            "  MikroOrmModule.forRoot({ entities: [..., ...BACKFILL_ENTITIES], ... }),   // import { BACKFILL_ENTITIES } from 'nestjs-backfill'",
        );
      }
      try {
        await this.managers.fork().find(schema, {}, { limit: 1, fields: [...meta.primaryKeys] });
      } catch (error) {
        if (error instanceof TableNotFoundException) {
          throw new BackfillDefinitionError(
            `BackfillModule has ledger: true, but the table ${schema.meta.tableName} is missing. Add this line ` +
              'to the up of a migration, or generate one with npx mikro-orm migration:create:\n' +
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
