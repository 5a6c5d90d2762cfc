import { TableNotFoundException } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { allMetadata } from '../database/all-metadata.js';
import { EntityManagers } from '../database/entity-managers.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { asPostgresManager } from '../sources/sql/sql-manager.js';
import { BACKFILL_ENTITIES } from './ledger.entities.js';

/** Sees at start whether the app has what the ledger needs. */
@Injectable()
export class LedgerChecker {
  constructor(private readonly managers: EntityManagers) {}

  /**
   * Throws `BackfillDefinitionError` that names the line to add. A database that does not answer is not an
   * error of the app: what could not be seen then is answered.
   */
  async check(): Promise<unknown> {
    const { em } = this.managers.orm;
    if (!asPostgresManager(em)) {
      throw new BackfillDefinitionError(
        `BackfillModule has ledger: true, which needs PostgreSQL, but MikroORM has ${em.getPlatform().constructor.name}. ` +
          'Leave the ledger out, or give the backfills a MikroORM of their own on PostgreSQL with contextName.',
      );
    }
    const known = allMetadata(em);
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
